package page_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"convertd/webui/page"
)

func TestCharts_are_drawn_to_the_highest_hour(t *testing.T) {
	t.Parallel()
	c := page.AdminCharts{Hours: []page.Hour{{Succeeded: 3, Failed: 1, Waited: time.Second}, {}, {Cancelled: 2}, {Succeeded: 2, Failed: 2, Ran: time.Minute}}, Free: 25, Total: 100}
	want := []page.Bar{
		{X: 1, Y: 25, Width: 118, Height: 75, Kind: "good"}, {X: 1, Y: 0, Width: 118, Height: 25, Kind: "bad"},
		{X: 241, Y: 50, Width: 118, Height: 50, Kind: "other"},
		{X: 361, Y: 50, Width: 118, Height: 50, Kind: "good"}, {X: 361, Y: 0, Width: 118, Height: 50, Kind: "bad"},
	}
	if diff := cmp.Diff(want, c.EndedBars()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]page.Bar{{X: 1, Y: 0, Width: 118, Height: 100, Kind: "wait"}}, c.WaitedBars()); diff != "" {
		t.Error(diff)
	}
	if c.Most() != 4 || c.MostWaited() != time.Second || c.MostRan() != time.Minute || c.UsedShare() != 75 {
		t.Errorf("most %d, %v, %v; used %v %%", c.Most(), c.MostWaited(), c.MostRan(), c.UsedShare())
	}
	few := page.AdminCharts{Hours: []page.Hour{{Succeeded: 100_000, Failed: 1}}}
	if bars := few.EndedBars(); len(bars) != 2 || bars[1].Height <= 0 && bars[0].Height <= 0 {
		t.Errorf("one failure among many is not seen: %+v", bars)
	}
	if bars := (page.AdminCharts{}).EndedBars(); bars != nil {
		t.Errorf("nothing is drawn as %+v", bars)
	}
}
