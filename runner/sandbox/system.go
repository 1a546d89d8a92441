package sandbox

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// systemFolders are what programs of the distribution are made of.
func systemFolders() []string {
	return []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}
}

// systemData is what such programs read of the machine beyond that: nothing with a
// secret in it, nothing about other users. A name with "*" is a pattern.
func systemData() []string {
	return []string{
		"/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
		"/etc/localtime", "/etc/timezone", "/etc/locale.alias", "/etc/os-release", "/etc/debian_version",
		"/etc/fonts", "/etc/mime.types", "/etc/magic", "/etc/magic.mime", "/etc/papersize", "/etc/libpaper.d",
		"/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted",
		"/etc/ImageMagick-*", "/etc/ghostscript", "/etc/libreoffice", "/etc/chromium", "/etc/chromium.d",
		"/etc/java-*", "/etc/python3*", "/etc/perl", "/etc/texmf", "/etc/groff", "/etc/maven",
		"/etc/OpenCL", "/etc/vulkan", "/etc/glvnd", "/etc/gtk-3.0", "/etc/xdg",
		"/etc/protocols", "/etc/services", "/etc/environment",
		"/var/lib/libreoffice", "/var/lib/ghostscript", "/var/lib/texmf", "/var/cache/fontconfig",
	}
}

// Sees reports whether every box has something of its own, or of the system, at a path.
func Sees(path string) bool {
	for _, folder := range append(systemFolders(), "/dev/shm", "/dev/pts", "/dev/fd", "/run/convertd") {
		if path == folder || strings.HasPrefix(path, folder+"/") {
			return true
		}
	}
	for _, name := range append(devices(), slices.Collect(maps.Keys(devLinks()))...) {
		if path == "/dev/"+name {
			return true
		}
	}
	for _, known := range append(systemData(), "/tmp", "/var/tmp", "/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/nsswitch.conf", "/etc/resolv.conf") {
		depth := strings.Count(known, "/") + 1
		if strings.HasSuffix(known, "/tmp") {
			depth = len(path) // the folder alone: what lies in the machine's is not in the box's
		}
		if fits, err := filepath.Match(known, firstParts(path, depth)); err == nil && fits {
			return true
		}
	}
	return false
}

// firstParts cuts a path behind that many parts, of which the one before the first slash
// is one.
func firstParts(path string, n int) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[:min(n, len(parts))], "/")
}

// devices are the nodes of /dev.
func devices() []string {
	return []string{"null", "zero", "full", "random", "urandom", "tty"}
}

// devLinks are the links of /dev.
func devLinks() map[string]string {
	return map[string]string{
		"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2", "ptmx": "pts/ptmx",
	}
}
