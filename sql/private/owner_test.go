package private_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"convertd/sql/private"
)

// own starts a server, says where, and stops it when its standard input ends.
func own(data string) int {
	server, err := private.Start(context.Background(), options(data))
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(server.URL())
	_, _ = bufio.NewReader(os.Stdin).ReadString(0)
	if err := server.Stop(context.Background()); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

// owner is this test binary in another process, with a server of its own.
type owner struct {
	*exec.Cmd
	input io.Closer
	url   string
}

// startOwner starts an owner, as another user if asked, and waits for its server.
func startOwner(t *testing.T, data string, as *syscall.Credential) owner {
	t.Helper()
	// This name works for a user too who may not enter the folder of the binary.
	o := owner{Cmd: exec.Command("/proc/self/exe")}
	o.Env = append(os.Environ(), ownerFolder+"="+data)
	o.Dir = "/"
	o.SysProcAttr = &syscall.SysProcAttr{Credential: as, Pdeathsig: syscall.SIGKILL}
	input, errIn := o.StdinPipe()
	output, errOut := o.StdoutPipe()
	if err := errors.Join(errIn, errOut, o.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = input.Close() })
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error:") {
		t.Fatalf("owner says %q, %v", line, err)
	}
	o.input, o.url = input, strings.TrimSpace(line)
	return o
}

// kill is the sudden end of an owner.
func (o owner) kill(t *testing.T) {
	t.Helper()
	if err := o.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = o.Wait()
}

// end lets the owner stop its server.
func (o owner) end(t *testing.T) {
	t.Helper()
	_ = o.input.Close()
	if err := o.Wait(); err != nil {
		t.Errorf("owner: %v", err)
	}
}
