package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"convertd/runner/service"
	"convertd/runner/service/order"
)

// call carries out the order.Call on standard input: a step that calls a service.
func call(args []string) int {
	var told order.Call
	return carryOut(args, &told, func(ctx context.Context, o service.Options) error { return service.Call(ctx, o, told) })
}

// farewell carries out the order.Call on standard input as far as telling the service that
// nobody waits for its job any more.
func farewell(args []string) int {
	var told order.Call
	return carryOut(args, &told, func(ctx context.Context, o service.Options) error { return service.Farewell(ctx, o, told) })
}

// fetch carries out the order.Fetch on standard input: an input that is fetched.
func fetch(args []string) int {
	var told order.Fetch
	return carryOut(args, &told, func(ctx context.Context, o service.Options) error { return service.Fetch(ctx, o, told) })
}

// maxOrder bounds an order, in bytes.
const maxOrder = 16 << 20

// carryOut reads an order, obeys the signals of whoever started us, and returns the exit
// status. SIGTERM says that nobody wants the result, SIGUSR1 that the job goes on later.
func carryOut(args []string, told any, do func(context.Context, service.Options) error) int {
	if len(args) != 0 {
		return fail(exitUsage, errors.New("the order is read from standard input"))
	}
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGUSR1)
	go func() {
		why := service.ErrCancelled
		if <-signals == syscall.SIGUSR1 {
			why = service.ErrStopped
		}
		end(why)
	}()
	text, err := io.ReadAll(io.LimitReader(os.Stdin, maxOrder))
	if err == nil {
		err = json.Unmarshal(text, told)
	}
	if err != nil {
		return fail(exitUsage, fmt.Errorf("read the order: %w", err))
	}
	err = do(ctx, service.Options{Dial: dialer(os.Getenv("HTTPS_PROXY")), Log: os.Stdout, Report: reporter(os.Getenv("NOTIFY_SOCKET"))})
	if err == nil {
		return 0
	}
	_, _ = fmt.Fprintln(os.Stderr, order.Said+strings.Join(strings.Fields(err.Error()), " "))
	var f *service.Failure
	if errors.As(err, &f) {
		return f.Status
	}
	return 1
}

// dialer makes connections by the proxy of the box; a box with the network of the machine
// has none.
func dialer(proxy string) func(ctx context.Context, network, address string) (net.Conn, error) {
	if proxy == "" {
		return (&net.Dialer{}).DialContext
	}
	return service.Tunnel{Proxy: proxy}.DialContext
}

// reporter sends progress as sd_notify(3) does. Nobody reading it is no reason to stop.
func reporter(socket string) func(percent *float64, message string) {
	conn, err := net.Dial("unixgram", socket)
	return func(percent *float64, message string) {
		if err != nil {
			return
		}
		var text strings.Builder
		if percent != nil {
			text.WriteString("X_PERCENT=" + strconv.FormatFloat(*percent, 'f', -1, 64) + "\n")
		}
		if message != "" {
			text.WriteString("STATUS=" + message + "\n")
		}
		_, _ = io.WriteString(conn, text.String())
	}
}
