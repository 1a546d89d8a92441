module convertd

go 1.26
