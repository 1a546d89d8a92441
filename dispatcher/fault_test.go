package dispatcher

import "testing"

// TestFault has a row for each fault of processes and machine that the dispatcher must
// live with, and under it its variants. Other rows are in the tests of the rooms that they
// concern (webui, dispatcher/mail, sql/job, cmd/convertd), under the same name.
func TestFault(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name     string
		variants []variant
	}{
		{"F01_converter_killed", faultsOfSteps()},
		{"F02_runner_killed", []variant{
			{"tried_again", faultRunnerKilled}, {"whole_tree_dies", faultRunnerKilledTree}, {"the_rule_says_once", faultRunnerKilledOnce},
		}},
		{"F03_dispatcher_killed", []variant{
			{"at_every_place", faultKilledAtEveryPlace}, {"at_random", faultKilledAtRandom},
		}},
		{"F05_dispatcher_stopped", []variant{{"a_second_waits", faultSecondWaits}, {"stopped_and_continued", faultStoppedAndContinued}}},
		{"F06_two_dispatchers", []variant{{"another_spool_refuses", faultAnotherSpool}, {"rows_of_another_spool", faultRowsOfAnotherSpool}}},
		{"F08_connections_killed", faultsOfConnections()},
		{"F09_database_ill", faultsOfDatabase()},
		{"F10_rows_lost", faultsOfLostRows()},
		{"F11_memcached_ill", faultsOfMemcached()},
		{"F12_disk_of_a_runner", faultsOfRunnersDisk()},
		{"F12_F13_disk_of_the_dispatcher", faultsOfDispatchersDisk()},
		{"F14_limits_reached", faultsOfLimits()},
		{"F15_clock_set", faultsOfClock()},
		{"F16_dates", faultsOfDates()},
		{"F20_mail_server_down", []variant{{"mails_outlive_server_and_dispatcher", faultMailsOutlive}}},
		{"F23_spool_hurt", faultsOfSpool()},
		{"F24_input_damaged", faultsOfInputs()},
		{"F26_machine_asleep", faultsOfSleep()},
		{"F28_poison", []variant{{"the_queue_behind_goes_on", faultPoison}}},
		{"F30_process_stuck_in_the_kernel", []variant{{"cannot_be_killed", faultUnkillable}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, v := range row.variants {
				t.Run(v.name, v.try)
			}
		})
	}
}

// variant is one way in which a fault comes; try is a parallel test.
type variant struct {
	name string
	try  func(*testing.T)
}
