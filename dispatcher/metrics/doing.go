package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"convertd/runner/spool"
)

// Doing is what the dispatcher does and what bounds it.
type Doing struct {
	// States are all that a dispatcher can be in, State the one that it is in.
	States []string
	State  string
	// Troubled says that nothing is claimed, because something of the machine is amiss.
	Troubled bool
	// Slots and Memory (bytes, 0 for no bound) are the limits, SlotsUsed and MemoryUsed what
	// running attempts take of them.
	Slots, SlotsUsed   int
	Memory, MemoryUsed int64
	// Held is the number of jobs that were claimed and wait for room.
	Held int
	// Running is the number of attempts by queue, QueueLimits that of queues with a limit.
	Running, QueueLimits map[string]int
	// Resources are the counted things of the machine, ResourcesUsed how many are taken.
	Resources, ResourcesUsed map[string]int
	// Reserve is what of the disk is kept from jobs.
	Reserve spool.Reserve
}

// Say takes what the dispatcher does. The caller changes nothing of it any more.
func (m *Meters) Say(d Doing) { m.doing.Store(&d) }

// gauge is one number with at most one label.
type gauge struct {
	name, help, label string
}

func (g gauge) desc() *prometheus.Desc {
	var labels []string
	if g.label != "" {
		labels = []string{g.label}
	}
	return prometheus.NewDesc(g.name, g.help, labels, nil)
}

func (g gauge) tell(to chan<- prometheus.Metric, value float64, label ...string) {
	to <- prometheus.MustNewConstMetric(g.desc(), prometheus.GaugeValue, value, label...)
}

func (g gauge) tellAll(to chan<- prometheus.Metric, values map[string]int) {
	for label, n := range values {
		g.tell(to, float64(n), label)
	}
}

const (
	gState = iota
	gTroubled
	gSlots
	gSlotsUsed
	gMemory
	gMemoryUsed
	gHeld
	gRunning
	gQueueLimit
	gResource
	gResourceUsed
)

func doingGauges() []gauge {
	return []gauge{
		gState:        {"convertd_dispatcher_state", "1 for the state that the dispatcher is in, 0 for the others.", "state"},
		gTroubled:     {"convertd_dispatcher_troubled", "1 while no job is claimed because something of the machine is amiss; the doctor says what.", ""},
		gSlots:        {"convertd_slots", "Slots that there are.", ""},
		gSlotsUsed:    {"convertd_slots_used", "Slots that running attempts take.", ""},
		gMemory:       {"convertd_memory_limit_bytes", "What the memory limits of running attempts may come to together; 0 means no bound.", ""},
		gMemoryUsed:   {"convertd_memory_granted_bytes", "What the memory limits of running attempts come to together.", ""},
		gHeld:         {"convertd_jobs_held", "Jobs that were claimed and wait for slots, memory or a resource; in their rows they run.", ""},
		gRunning:      {"convertd_jobs_running", "Attempts that run.", "queue"},
		gQueueLimit:   {"convertd_queue_limit", "Attempts of the queue that may run at once, for queues that have a limit.", "queue"},
		gResource:     {"convertd_resource_limit", "Units of the resource that there are.", "resource"},
		gResourceUsed: {"convertd_resource_used", "Units of the resource that running attempts take.", "resource"},
	}
}

// doingCollector tells what the dispatcher last said.
type doingCollector struct{ m *Meters }

// Describe implements prometheus.Collector.
func (c *doingCollector) Describe(to chan<- *prometheus.Desc) {
	for _, g := range doingGauges() {
		to <- g.desc()
	}
}

// Collect implements prometheus.Collector.
func (c *doingCollector) Collect(to chan<- prometheus.Metric) {
	d, g := c.m.doing.Load(), doingGauges()
	for _, state := range d.States {
		g[gState].tell(to, oneIf(state == d.State), state)
	}
	g[gTroubled].tell(to, oneIf(d.Troubled))
	g[gSlots].tell(to, float64(d.Slots))
	g[gSlotsUsed].tell(to, float64(d.SlotsUsed))
	g[gMemory].tell(to, float64(d.Memory))
	g[gMemoryUsed].tell(to, float64(d.MemoryUsed))
	g[gHeld].tell(to, float64(d.Held))
	running := map[string]int{}
	known := c.m.queues()
	for queue := range known {
		running[queue] = 0
	}
	for queue, n := range d.Running {
		running[labelOf(known, queue)] += n
	}
	g[gRunning].tellAll(to, running)
	g[gQueueLimit].tellAll(to, d.QueueLimits)
	g[gResource].tellAll(to, d.Resources)
	for resource := range d.Resources {
		g[gResourceUsed].tell(to, float64(d.ResourcesUsed[resource]), resource)
	}
}

// labelOf is the name if it is known.
func labelOf(known map[string]bool, name string) string {
	if known[name] {
		return name
	}
	return unknown
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// diskCollector looks at the disk of the spool when somebody reads. A disk that cannot be
// looked at is left out.
type diskCollector struct{ m *Meters }

func diskGauges() (free, size, reserve gauge) {
	return gauge{"convertd_spool_free_bytes", "Room on the disk of the spool.", ""},
		gauge{"convertd_spool_size_bytes", "Size of the disk of the spool.", ""},
		gauge{"convertd_spool_reserve_bytes", "What uploads and jobs leave of the disk of the spool: with less free no job starts.", ""}
}

// Describe implements prometheus.Collector.
func (c *diskCollector) Describe(to chan<- *prometheus.Desc) {
	free, size, reserve := diskGauges()
	for _, g := range []gauge{free, size, reserve} {
		to <- g.desc()
	}
}

// Collect implements prometheus.Collector.
func (c *diskCollector) Collect(to chan<- prometheus.Metric) {
	left, total, err := c.m.opts.Spool.Room()
	if err != nil {
		c.m.opts.Log.Warn("the disk of the spool was not measured for the monitor", "error", err)
		return
	}
	free, size, reserve := diskGauges()
	free.tell(to, float64(left))
	size.tell(to, float64(total))
	reserve.tell(to, float64(c.m.doing.Load().Reserve.Of(total)))
}
