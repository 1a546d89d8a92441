// Run this script from the Script Editor
function convertFrameToSeconds(layerWithFootage, frameValue)
{
    var comp = layerWithFootage.containingComp;
    var rate = 1.0 / comp.frameDuration;
    // Frames in AE are 0-based by default
    return (frameValue) / rate;
}

var activeComp = app.project.activeItem;
if(!activeComp) {
    // Totally fail
    alert("You need to be focused on a comp for the tracker creation to work");
} else {


var layer0 = activeComp.layers.addNull();
layer0.name = "roof_left";

var pos = layer0.property("Transform").property("Position");
pos.setValueAtTime(convertFrameToSeconds(layer0, -1), [0.50000,1079.50000]);
pos.setValueAtTime(convertFrameToSeconds(layer0, 0), [100.12500,0.50000]);
pos.setValueAtTime(convertFrameToSeconds(layer0, 1), [101.06250,1.99960]);
pos.setValueAtTime(convertFrameToSeconds(layer0, 7), [1919.50000,1083.25000]);
pos.setValueAtTime(convertFrameToSeconds(layer0, 8), [1920.25000,1084.50000]);
pos.setValueAtTime(convertFrameToSeconds(layer0, 9), [0.00000,-1233487.87500]);

var layer1 = activeComp.layers.addNull();
layer1.name = "lone";

var pos = layer1.property("Transform").property("Position");
pos.setValueAtTime(convertFrameToSeconds(layer1, 41), [960.00000,540.00000]);

var layer2 = activeComp.layers.addNull();
layer2.name = "07";

var pos = layer2.property("Transform").property("Position");
pos.setValueAtTime(convertFrameToSeconds(layer2, 3), [1.00000,1078.00000]);
pos.setValueAtTime(convertFrameToSeconds(layer2, 5), [3.00000,1076.00000]);
}
