package guard

import (
	"net/netip"
	"slices"
	"testing"
)

// TestOwnAddressesBothWays finds the same by asking and by reading.
func TestOwnAddressesBothWays(t *testing.T) {
	t.Parallel()
	asked, err := ownAddresses()
	if err != nil {
		t.Fatal(err)
	}
	read, err := listedAddresses("/proc/self/net/fib_trie", "/proc/self/net/if_inet6")
	if err != nil {
		t.Fatal(err)
	}
	if len(asked) == 0 {
		t.Error("this machine has no address")
	}
	for _, addr := range asked {
		if !slices.Contains(read, addr.WithZone("")) {
			t.Errorf("%s is missing in %v", addr, read)
		}
	}
}

func TestLocalRoutes(t *testing.T) {
	t.Parallel()
	const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 8.8.4.0
        /24 link UNICAST
Local:
           |-- 8.8.4.4
              /32 host LOCAL
           |-- 8.8.4.255
              /32 link BROADCAST
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
`
	want := []netip.Addr{netip.MustParseAddr("8.8.4.4"), netip.MustParseAddr("127.0.0.0"), netip.MustParseAddr("127.0.0.1")}
	if got := localRoutes([]byte(trie)); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
