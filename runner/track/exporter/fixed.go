package exporter

import (
	"math"
	"math/bits"
	"strconv"
)

const (
	// maxFixed is the largest number of decimals that appendFixed computes itself: 10 to
	// its power times a fraction of 53 bits must stay below 2^128.
	maxFixed = 15
	// fractionBits is the number of mantissa bits stored in a float64.
	fractionBits = 52
)

// appendFixed appends v with exactly the given number of decimals (at least 1), as
// strconv.AppendFloat(b, v, 'f', decimals, 64) does: correctly rounded, exact ties to
// even. It does so about ten times faster for the numbers that occur in tracks, which
// matters because writers spend most of their time here: a float64 below 2^52 is an
// integer m over a power of two, so the digits are exact integer arithmetic in 128 bits.
func appendFixed(b []byte, v float64, decimals int) []byte {
	u := math.Float64bits(v)
	exponent := int(u>>fractionBits) & 0x7ff
	mantissa := u & (1<<fractionBits - 1)
	if exponent == 0 {
		exponent = 1
	} else {
		mantissa |= 1 << fractionBits
	}
	shift := 1075 - exponent // |v| = mantissa / 2^shift
	if shift < 1 || decimals < 1 || decimals > maxFixed {
		return strconv.AppendFloat(b, v, 'f', decimals, 64)
	}
	whole, fraction := uint64(0), mantissa
	if shift <= fractionBits {
		whole, fraction = mantissa>>shift, mantissa&(1<<shift-1)
	}
	unit := powerOf10(decimals)
	digits := scaleDown(fraction, unit, shift)
	if digits == unit {
		whole, digits = whole+1, 0
	}
	if u>>63 != 0 {
		b = append(b, '-')
	}
	b = strconv.AppendUint(b, whole, 10)
	return appendDecimals(b, digits, decimals)
}

// scaleDown returns fraction * unit / 2^shift rounded to the nearest integer, ties to
// even. fraction is below 2^53 and below 2^shift, unit at most 10^15.
func scaleDown(fraction, unit uint64, shift int) uint64 {
	hi, lo := bits.Mul64(fraction, unit)
	if shift > 105 { // the product has at most 103 bits: less than half a unit
		return 0
	}
	var quotient uint64
	var above, below bool // compared with one half
	if shift > 64 {
		quotient = hi >> (shift - 64)
		rest, half := hi&(1<<(shift-64)-1), uint64(1)<<(shift-65)
		above = rest > half || rest == half && lo > 0
		below = rest < half
	} else {
		quotient = lo>>shift | hi<<(64-shift)
		rest, half := lo, uint64(1)<<(shift-1)
		if shift < 64 {
			rest = lo & (1<<shift - 1)
		}
		above = rest > half
		below = rest < half
	}
	if above || !below && quotient&1 == 1 {
		quotient++
	}
	return quotient
}

// appendDecimals appends a point and n with leading zeros to the given width.
func appendDecimals(b []byte, n uint64, width int) []byte {
	var zeros [maxFixed + 1]byte
	b = append(b, zeros[:width+1]...)
	for i := len(b) - 1; i >= len(b)-width; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	b[len(b)-width-1] = '.'
	return b
}

// powerOf10 returns 10^n for n at most 15.
func powerOf10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
