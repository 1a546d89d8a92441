require 'rubygems'
require 'tracksperanto'
width = 1920
height = 1080
trackers = []
 
trackers << Tracksperanto::Tracker.new(:name => "roof_left") do |t|
  t.keyframe!(:frame => -1, :abs_x => 0.50000, :abs_y => 0.50000, :residual => 0.25000)
  t.keyframe!(:frame => 0, :abs_x => 100.12500, :abs_y => 1079.50000, :residual => 0.00000)
  t.keyframe!(:frame => 1, :abs_x => 101.06250, :abs_y => 1078.00040, :residual => 0.03750)
  t.keyframe!(:frame => 7, :abs_x => 1919.50000, :abs_y => -3.25000, :residual => 1.00000)
  t.keyframe!(:frame => 8, :abs_x => 1920.25000, :abs_y => -4.50000, :residual => 0.50000)
  t.keyframe!(:frame => 9, :abs_x => 0.00000, :abs_y => 1234567.87500, :residual => -2.00000)
end
 
trackers << Tracksperanto::Tracker.new(:name => "lone") do |t|
  t.keyframe!(:frame => 41, :abs_x => 960.00000, :abs_y => 540.00000, :residual => 0.00000)
end
 
trackers << Tracksperanto::Tracker.new(:name => "07") do |t|
  t.keyframe!(:frame => 3, :abs_x => 1.00000, :abs_y => 2.00000, :residual => 0.00000)
  t.keyframe!(:frame => 5, :abs_x => 3.00000, :abs_y => 4.00000, :residual => 0.00000)
end
 
