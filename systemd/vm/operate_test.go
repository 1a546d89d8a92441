//go:build vm

package vm

import (
	"io"
	"net"
	"net/http"
	"strings"

	"golang.org/x/sys/unix"
)

// pageConverts does what a browser without scripts does: the form, its answer, the page of
// the job, the link to the result.
func (m *machine) pageConverts() {
	m.sh("printf 'through the page' >page.txt")
	if form := m.sh("curl -sSf %s/recipes/copy", address); !strings.Contains(form, `type="file"`) {
		m.Errorf("the page of the recipe has no form:\n%s", form)
	}
	place := m.sh("curl -sSf -o /dev/null -w '%%{http_code} %%{redirect_url}' -F recipe=copy -F 'file=@page.txt;type=text/plain' %s/jobs", address)
	code, page, _ := strings.Cut(place, " ")
	if code != "303" {
		m.Fatalf("the form is answered %s", place)
	}
	id := page[strings.LastIndex(page, "/")+1:]
	m.ended(id, "succeeded")
	link := m.sh("curl -sSf '%s' | grep -o '/api/v1/jobs/%s/outputs/[^\"?]*' | head -1", page, id)
	if got := m.sh("curl -sSf '%s%s'", address, link); got != "through the page" {
		m.Errorf("%s gives %q", link, got)
	}
}

// grantedNetwork has a recipe fetch from another address of the machine with a secret, in
// boxes that otherwise have no network, and fail at a host that it was not granted.
func (m *machine) grantedNetwork() {
	const host, secret = "10.20.30.40", "a secret of the render farm"
	m.addAddress(host)
	for _, port := range []string{"8099", "8098"} {
		listener, err := net.Listen("tcp", host+":"+port)
		if err != nil {
			m.Fatal(err)
		}
		defer listener.Close()
		go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Key") != secret {
				w.WriteHeader(http.StatusForbidden)
			}
			_, _ = io.WriteString(w, "rendered")
		}))
	}
	m.write("/etc/convertd/secret/render", secret+"\n")
	m.sh("chmod 600 /etc/convertd/secret/render")
	const recipe = "name = \"NAME\"\naccept = []\n" +
		"command = [\"sh\", \"-c\", \"curl -sSf -H \\\"X-Key: $(cat $CONVERTD_SECRET_KEY)\\\" -o $1/result.txt http://" + host + ":PORT/\", \"sh\", \"{output}\"]\n" +
		"[visible]\nanonymous = true\n[access]\nhosts = [\"" + host + ":8099\"]\nsecrets = { KEY = \"/etc/convertd/secret/render\" }\n"
	for name, port := range map[string]string{"granted": "8099", "elsewhere": "8098"} {
		m.write("/etc/convertd/recipes/"+name+".toml", strings.NewReplacer("NAME", name, "PORT", port).Replace(recipe))
	}
	m.sh("systemctl reload convertd-dispatcher convertd-web")
	if got := m.output(m.ended(m.submit("granted", "", nil).ID, "succeeded")); got != "rendered" {
		m.Errorf("the host gave %q", got)
	}
	m.fails("elsewhere", "", "converter_failed", "")
	m.refused("", "grep -rF '%s' %s /var/log/postgresql", secret, spool)
	m.refused("", "journalctl -q -u 'convertd*' | grep -F '%s'", secret)
	m.sh("rm -rf /etc/convertd/recipes/granted.toml /etc/convertd/recipes/elsewhere.toml /etc/convertd/secret; systemctl reload convertd-dispatcher convertd-web")
}

// addAddress gives the loopback another address, which is none of the loopback's to those
// who look at numbers.
func (m *machine) addAddress(address string) {
	m.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		m.Fatal(err)
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo:1")
	if err == nil {
		err = request.SetInet4Addr(net.ParseIP(address).To4())
	}
	if err == nil {
		err = unix.IoctlIfreq(socket, unix.SIOCSIFADDR, request)
	}
	if err != nil {
		m.Fatalf("add address: %v", err)
	}
}

// doctorSees has the dispatcher's role look at sessions of the web process.
func (m *machine) doctorSees() {
	const seen = "select count(*) > 0 and bool_and(state is not null) from pg_stat_activity where usename = 'convertd_web'"
	if got := m.sh("psql -h /run/postgresql -XAtq convertd -U convertd_dispatcher -c \"%s\"", seen); got != "t" {
		m.Errorf("the dispatcher sees sessions of the web process: %s", got)
	}
	// What the shipped units keep from the dispatcher must not be what a box lacks.
	m.await("the dispatcher has examined the machine", func() bool { return m.psql("select count(*) from finding where topic = 'clock'") != "0" })
	lacks := m.psql("select text from finding where topic in ('box', 'clock', 'control groups', 'processors', 'memory limit') and level <> 'ok'")
	if others := strings.ReplaceAll(lacks, "The box of steps is without a part of it: landlock (this kernel has it not, or not switched on: function not implemented).", ""); strings.TrimSpace(others) != "" {
		m.Errorf("the dispatcher finds: %s", others)
	}
	out, err := try("convertd doctor")
	if err != nil || strings.Contains(out, "cannot be seen") || strings.Contains(out, "No control group") {
		m.Errorf("the doctor: %v\n%s", err, out)
	}
}

// backupRestores loses database and spool, sets up anew and restores.
func (m *machine) backupRestores() {
	done := m.ended(m.submit("copy", "worth keeping", nil).ID, "succeeded")
	running := m.submit("slow", "", map[string]string{"seconds": "20"}).ID
	m.running(running)
	m.step("convertd backup /var/backups/convertd")
	m.sh("systemctl stop convertd.target; rm -rf %s/[A-Z2-7][A-Z2-7]", spool)
	m.sh("cd / && setpriv --reuid postgres --regid postgres --init-groups psql -XAtqc 'drop database convertd with (force)' postgres")
	m.step("convertd setup --packaged --no-start")
	m.step("convertd restore /var/backups/convertd")
	m.sh("systemctl start convertd.target")
	m.active(units()...)
	if got := m.output(m.job(done.ID)); got != "worth keeping" {
		m.Errorf("the output is %q", got)
	}
	m.ended(running, "succeeded")
	m.ended(m.submit("copy", "after the restore", nil).ID, "succeeded")
	m.usersKeepToTheirOwn()
	m.sh("rm -r /var/backups/convertd")
}
