package spool

import "testing"

func TestReserve(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		reserve     Reserve
		total, want int64
	}{
		{Reserve{}, 1000, 0},
		{Reserve{Bytes: 10}, 1000, 10},
		{Reserve{Bytes: 60}, 1000, 50},
		{Reserve{Percent: 30}, 1000, 300},
		{Reserve{Bytes: 40, Percent: 1}, 1000, 40},
		{Reserve{Bytes: 1 << 30}, 3 << 30, 3 << 30 / 20},
		{Reserve{Bytes: 1 << 30}, 1 << 40, 1 << 30},
	} {
		if got := row.reserve.Of(row.total); got != row.want {
			t.Errorf("%+v of %d is %d, want %d", row.reserve, row.total, got, row.want)
		}
	}
	s := New(t.TempDir())
	free, total, err := s.Room()
	if err != nil {
		t.Fatal(err)
	}
	kept, left, err := s.Kept(Reserve{Percent: 50})
	if err != nil || kept != total/2 || left-(free-kept) > 1<<30 || (free-kept)-left > 1<<30 {
		t.Errorf("kept %d, left %d, %v of %d free and %d in all", kept, left, err, free, total)
	}
}
