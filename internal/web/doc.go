// Package web is what every HTTP face shares: how a handler answers or fails, in which language
// and edition, under which headers and limits, and the static files. It knows no use case; faces
// bring their own routes and hand errors back.
//
// A Site is made once from Options. Site.Wrap goes around the whole mux; Site.Handle turns a
// Handler, which returns its error, into an http.Handler.
package web
