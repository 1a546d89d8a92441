package runner

import (
	"convertd/runner/recipe"
	"convertd/runner/sandbox"
	"convertd/runner/service/order"
)

// SpecVersion is the version of the JSON that a child is sent; a child that reads
// another one exits without doing anything.
const SpecVersion = 1

// Spec is all that a child is told: it arrives as one JSON document on descriptor 3.
// Paths are absolute. It holds no secret but what the job needs.
type Spec struct {
	Version int    `json:"version"`
	Job     string `json:"job"`
	Attempt int    `json:"attempt"`
	// Token fences the outcome: the dispatcher ignores an outcome with another one.
	Token  string `json:"token"`
	Recipe string `json:"recipe"`
	// RecipeVersion is the hash of the declaration the argv was made from.
	RecipeVersion string `json:"recipe_version"`
	// Dir is the job's folder in the spool (package spool has its layout).
	Dir string `json:"dir"`
	// Inputs are the files in the job's folder "in" with their shown names, in order.
	Inputs []Input `json:"inputs,omitempty"`
	// Files are the files of parameters in that folder.
	Files []Input `json:"files,omitempty"`
	// Stem is the shown name of the first input without its last extension; outputs
	// whose name begins with the neutral stem are shown with it.
	Stem string `json:"stem"`
	// Sources are fetched before the first step.
	Sources []Source `json:"sources,omitempty"`
	Steps   []Step   `json:"steps"`

	Outputs []recipe.Output  `json:"outputs,omitempty"`
	Explain []recipe.Explain `json:"explain,omitempty"`
	Limits  recipe.Limits    `json:"limits"`
	Box     Box              `json:"box"`
	Status  Sink             `json:"status"`
	// Env is what the recipe and the dispatcher add to the environment of steps,
	// NAME=VALUE: trace context, granted resources.
	Env []string `json:"env,omitempty"`
	// Farewell says that nothing is run: the services that the steps called are told that
	// nobody waits any more.
	Farewell bool `json:"farewell,omitempty"`
	// Lang selects among texts per language in messages of this attempt.
	Lang string `json:"lang,omitempty"`
	// Cache is the folder that the steps keep for later jobs.
	Cache Cache `json:"cache,omitzero"`
	// Reserve is how many bytes of the spool's disk no file of the steps may break into; 0
	// keeps none.
	Reserve int64 `json:"reserve,omitempty"`
	// Callback is the file in which progress is found that a service pushed; "" when no
	// step takes any.
	Callback string `json:"callback,omitempty"`
}

// Source is one input to be fetched.
type Source struct {
	order.Fetch
	// Digest names its copy in the folder Shelf; without one it is not kept.
	Digest string `json:"digest,omitempty"`
	Shelf  string `json:"shelf,omitempty"`
	Prefix string `json:"prefix,omitempty"`
	// File is where the steps find it.
	File string `json:"file"`
}

// Cache is a folder that is kept between jobs.
type Cache struct {
	// Dir is its path; "" is a folder that goes with the attempt.
	Dir  string `json:"dir,omitempty"`
	Size int64  `json:"size,omitempty"` // bytes
}

// Step is one step with its argv complete but for what only the probe can know.
type Step struct {
	recipe.Step
	// Argv is the command exactly as it will be executed.
	Argv []string `json:"argv"`
	// ProbeArgv likewise; empty when there is no probe.
	ProbeArgv []string `json:"probe_argv,omitempty"`
	// Call is what convertd-net is told to do; Argv is empty then.
	Call *order.Call `json:"call,omitempty"`
}

// Box is the confinement of every step.
type Box struct {
	// UID and GID are the step's user when the daemon is root; 0 means stay who we are.
	UID int `json:"uid,omitempty"`
	GID int `json:"gid,omitempty"`
	// MemoryHeld says that a cgroup enforces Limits.Memory and records the peak.
	// Otherwise the runner measures the tree every 200 ms and kills it.
	MemoryHeld bool `json:"memory_held,omitempty"`
	// Read and Write are files and folders of the machine that the recipe was granted.
	Read  []string `json:"read,omitempty"`
	Write []string `json:"write,omitempty"`
	// Hosts are those of the network that the recipe itself was granted, GivenHosts those
	// that parameters named. Without any, and without HostNetwork, there is no network.
	Hosts      []string `json:"hosts,omitempty"`
	GivenHosts []string `json:"given_hosts,omitempty"`
	// HostNetwork shares the network of the machine, unfiltered.
	HostNetwork bool `json:"host_network,omitempty"`
	// Devices are nodes of /dev, or patterns of such.
	Devices []string `json:"devices,omitempty"`
	// Secrets are files by the names of the secrets in them. The runner reads them; what
	// is in them is never written anywhere.
	Secrets map[string]string `json:"secrets,omitempty"`
	// User is the name of the user with UID if it is one of the machine.
	User string `json:"user,omitempty"`
	// Require refuses to run a step in a box that cannot be made whole here.
	Require bool `json:"require,omitempty"`
	// Lacks are the parts of the box that are known not to be had here.
	Lacks sandbox.Lacks `json:"lacks,omitempty"`
}

// Sink is where the child writes its status.
type Sink struct {
	// Kind is "memcached", "lines" (one JSON document a line) or "" for nowhere.
	Kind string `json:"kind,omitempty"`
	// FD is the inherited, already connected descriptor (StatusFD); 0 means none was
	// handed over.
	FD int `json:"fd,omitempty"`
	// Address is where to reconnect to: a path for a unix socket, else IP:PORT.
	Address string `json:"address,omitempty"`
}
