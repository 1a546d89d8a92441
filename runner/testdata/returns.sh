#!/bin/sh
# Prints what a copying tool prints: carriage return first, 100 % before it fails.
printf '\r     42,795,008  37%%   38.91MB/s    0:00:01  '
sleep 0.35
printf '\r    112,920,078 100%%   39.00MB/s    0:00:02 (xfr#1, to-chk=0/3)\n'
sleep 0.35
exit 23
