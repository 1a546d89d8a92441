package sandbox

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
