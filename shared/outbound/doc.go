// Package outbound is the adapter that makes the POST: it takes a signed
// notification to the URL of a receiver that nobody vouches for, and says in one
// word and one sentence what became of it.
//
// The delivery function sends with Client; everything that stores a URL asks
// Guard first, so that whoever names a bad one learns of it at once.
//
// The one rule: an address is judged where the socket is made. Whatever a URL
// said when it was saved, and whatever a name resolved to a moment ago, no
// connection leaves but through Guard.CheckAddr, which sees the very address
// that is about to be dialled.
package outbound
