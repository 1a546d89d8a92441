// Package chaos owns the trial of the whole service under disturbance: its processes, the
// processes of its jobs, its database and its cache are killed, stopped and continued at
// random while clients send jobs of every kind and repeat what was cut off. A checker that
// knows nothing of the service (package verdict) decides what came of it.
//
// Everything here is a test. What happens follows from a seed that is printed at the start:
// the jobs, the disturbances and when they come. Processes and kernel keep their freedom,
// so the same seed gives the same pressure, not the same interleaving.
//
// It may import cmd/convertd/chaos/verdict, and sql/db and sql/private for the database
// that it runs and disturbs.
package chaos
