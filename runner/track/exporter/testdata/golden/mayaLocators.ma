//Maya ASCII 2011 scene
//Name: TracksperantoLocators.ma
//Codeset: UTF-8
requires maya "1.0";
polyPlane -name "TracksperantoImagePlane" -width 10.00000 -height 5.62500;
rotate -r -os 90;
move -r 5.00000 2.81250 0;
spaceLocator -name "roof_left" -p 0 0 0;
setKeyframe -time 0 -value 0.00260 "roof_left.tx";
setKeyframe -time 0 -value 0.00260 "roof_left.ty";
setKeyframe -time 1 -value 0.52148 "roof_left.tx";
setKeyframe -time 1 -value 5.62240 "roof_left.ty";
setKeyframe -time 2 -value 0.52637 "roof_left.tx";
setKeyframe -time 2 -value 5.61459 "roof_left.ty";
setKeyframe -time 8 -value 9.99740 "roof_left.tx";
setKeyframe -time 8 -value -0.01693 "roof_left.ty";
setKeyframe -time 9 -value 10.00130 "roof_left.tx";
setKeyframe -time 9 -value -0.02344 "roof_left.ty";
setKeyframe -time 10 -value 0.00000 "roof_left.tx";
setKeyframe -time 10 -value 6430.04102 "roof_left.ty";
spaceLocator -name "lone" -p 0 0 0;
setKeyframe -time 42 -value 5.00000 "lone.tx";
setKeyframe -time 42 -value 2.81250 "lone.ty";
spaceLocator -name "_07" -p 0 0 0;
setKeyframe -time 4 -value 0.00521 "_07.tx";
setKeyframe -time 4 -value 0.01042 "_07.ty";
setKeyframe -time 6 -value 0.01562 "_07.tx";
setKeyframe -time 6 -value 0.02083 "_07.ty";
select -r TracksperantoImagePlane roof_left lone _07;
group -name TracksperantoGroup; xform -os -piv 0 0 0;
