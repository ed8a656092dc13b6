package web

import "net/http"

// Network is the network a request comes from: its address without the last part. It is what the audit
// log keeps of where an act came from.
func Network(r *http.Request) string {
	a := AddrOf(r).Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
