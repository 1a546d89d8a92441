package spool

// Reserve is how much of the spool's disk is kept from what comes in and from what jobs
// write: the database and the ends of jobs need it, and whoever mends a full disk.
type Reserve struct {
	// Bytes counts up to a share of the disk, so that one number suits a small disk too.
	Bytes int64
	// Percent of the disk counts as it is.
	Percent float64
}

// bytesShare is the part of a disk that Reserve.Bytes may take at most: a twentieth.
const bytesShare = 20

// Of returns the reserve of a disk with so many bytes in all.
func (r Reserve) Of(total int64) int64 {
	return max(min(r.Bytes, total/bytesShare), int64(float64(total)*r.Percent/100))
}

// Kept returns how many bytes of the spool's disk the reserve keeps, and how many are left
// beside it: below 0 when it is broken into.
func (s Spool) Kept(r Reserve) (kept, left int64, err error) {
	free, total, err := s.Room()
	if err != nil {
		return 0, 0, err
	}
	kept = r.Of(total)
	return kept, free - kept, nil
}
