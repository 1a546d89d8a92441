package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"convertd/sql/outbox"
)

// TestFault has the rows of the table of faults that concern mail.
func TestFault(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		try  func(*testing.T)
	}{
		{"F20_server_down", faultServerDown},
		{"F20_server_that_never_greets", faultNeverGreets},
		{"F20_temporary_refusal", faultTemporary},
		{"F20_one_recipient_refused_for_good", faultOneRecipient},
		{"F20_connection_closed_in_the_middle_of_a_mail", faultClosedInData},
		{"F20_certificate_of_nobody", faultCertificate},
		{"F20_attachment_over_our_limit", faultLargeInput},
		{"F20_attachment_over_the_servers_limit", faultAttachmentRefused},
		{"F21_every_failure_is_named_once", faultManyFailures},
		{"F21_no_more_than_per_hour", faultPerHour},
		{"F21_ten_thousand_failures_in_a_minute", faultTenThousand},
	} {
		t.Run(row.name, row.try)
	}
}

// configure changes how the sender is configured.
func (b *bundle) configure(change func(*Config)) {
	c := *b.sender.config.Load()
	change(&c)
	b.sender.config.Store(&c)
}

// tries is how often a mail was tried and failed, each noted twice.
func (b *bundle) tries() (n int) {
	b.t.Helper()
	if err := b.db.Get(&n, `select coalesce(max(tries), 0) from outbox`); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// until waits for a condition.
func (b *bundle) until(what string, is func() bool) {
	b.t.Helper()
	deadline, look := time.NewTimer(30*time.Second), time.NewTicker(5*time.Millisecond)
	defer deadline.Stop()
	defer look.Stop()
	for !is() {
		select {
		case <-deadline.C:
			b.t.Fatalf("in vain: %s", what)
		case <-look.C:
		}
	}
}

// once fails unless the mail has arrived exactly once and nothing is owed.
func (b *bundle) once(f Failure) {
	b.t.Helper()
	b.until("the mail is noted as sent", func() bool {
		var n int
		return b.db.Get(&n, `select count(*) from outbox where sent_at is null`) == nil && n == 0
	})
	if mails := b.await(1); len(mails) != 1 || mails[0].id != "<"+f.Job+".failure@studio.example>" || len(mails[0].attached) != 1 {
		b.t.Errorf("%d mails: %+v", len(mails), mails)
	}
}

// faultNeverGreets has a server that takes the connection and says nothing.
func faultNeverGreets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.close()
	silent, err := net.Listen("tcp", b.office.address)
	if err != nil {
		t.Fatal(err)
	}
	var met atomic.Int64
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			met.Add(1)
			go func() { defer conn.Close(); _, _ = io.Copy(io.Discard, conn) }()
		}
	}()
	b.configure(func(c *Config) { c.tests.patience = 100 * time.Millisecond })
	f := b.owe()
	b.run()
	b.until("it was tried", func() bool { return met.Load() >= 2 })
	_ = silent.Close()
	b.office.open()
	b.once(f)
}

// faultOneRecipient has a server that knows one recipient and not the other.
func faultOneRecipient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.office.unknown = "gone@studio.example"
	payload, err := Marshal(Success{Job: "A", Recipe: "to-webp"})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.owed.Owe(context.Background(), "a", outbox.Draft{Kind: KindSuccess, To: b.office.unknown, Payload: payload}); err != nil {
		t.Fatal(err)
	}
	first, second := b.owe(), b.owe(func(f *Failure) { f.Recipe = "other" })
	b.run()
	mails := b.await(2)
	if len(mails) != 2 || !strings.Contains(mails[0].id+mails[1].id, first.Job) || !strings.Contains(mails[0].id+mails[1].id, second.Job) {
		t.Errorf("%+v", mails)
	}
	b.until("the refusal is noted", func() bool {
		var said string
		return b.db.Get(&said, `select last_error from outbox where key = 'a' and sent_at is null`) == nil && strings.Contains(said, "550")
	})
}

// faultClosedInData cuts the connection in the middle of a mail, twice.
func faultClosedInData(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var cuts atomic.Int64
	b.office.cut = func() bool { return cuts.Add(1) <= 2 }
	f := b.owe()
	b.run()
	b.once(f)
	if cuts.Load() < 3 {
		t.Errorf("%d connections", cuts.Load())
	}
}

// faultCertificate has a server elsewhere whose certificate nobody vouches for: nothing is
// told to it.
func faultCertificate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.configure(func(c *Config) { c.tests.strict = true })
	b.office.close()
	b.office.tls = selfSigned(t)
	b.office.open()
	f := b.owe()
	b.run()
	b.until("it was tried", func() bool { return b.tries() >= 4 })
	if n := len(b.office.mails()); n > 0 {
		t.Fatalf("%d mails went to a server that nobody vouches for", n)
	}
	b.office.close()
	b.office.tls = nil
	b.configure(func(c *Config) { c.tests.strict = false })
	b.office.open()
	b.once(f)
}

// selfSigned is a certificate that no one has signed but its owner.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// faultTenThousand has so many jobs fail within a minute: one mail at once, the others in
// few digests when the hour is over, each job named once.
func faultTenThousand(t *testing.T) {
	t.Parallel()
	const failures = 10_000
	b := setup(t)
	base := time.Now()
	b.at(base)
	f := b.owe()
	payload, err := Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.db.Exec(`insert into outbox (key, kind, recipient, attach, payload)
		select id || '.failure', 'failure', 'admin@studio.example', true, replace($1, $2, id)::json
		from (select translate(upper(substr(md5(n::text), 1, 26)), '0189', 'GHIJ') as id from generate_series(2, $3::integer) as n) made`,
		string(payload), f.Job, failures); err != nil {
		t.Fatal(err)
	}
	b.run()
	b.await(1)
	b.until("the others wait", func() bool {
		var n int
		return b.db.Get(&n, `select count(*) from outbox where due_at > now() and tries = 0`) == nil && n == failures-1
	})
	if n := len(b.office.mails()); n != 1 {
		t.Errorf("%d mails at once", n)
	}
	b.at(base.Truncate(time.Hour).Add(time.Hour + time.Second))
	if _, err := b.db.Exec(`update outbox set due_at = now() where due_at > now()`); err != nil {
		t.Fatal(err)
	}
	b.until("nothing is owed any more", func() bool {
		var n int
		return b.db.Get(&n, `select count(*) from outbox where sent_at is null and withdrawn_at is null`) == nil && n == 0
	})
	named, link := map[string]int{}, regexp.MustCompile(`/jobs/([A-Z2-7]{26})\b`)
	mails := b.await(1)
	for _, m := range mails {
		seen := map[string]bool{}
		for _, id := range link.FindAllStringSubmatch(m.body, -1) {
			if !seen[id[1]] {
				named[id[1]]++
			}
			seen[id[1]] = true
		}
	}
	for id, n := range named {
		if n != 1 {
			t.Errorf("job %s is named in %d mails", id, n)
		}
	}
	if len(named) != failures || len(mails) > 1+failures/maxDigest+1 {
		t.Errorf("%d jobs named in %d mails", len(named), len(mails))
	}
}
