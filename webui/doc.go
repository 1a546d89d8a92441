// Package webui owns what is spoken over HTTP: the route table, the handlers of the
// JSON API and of the pages, the event streams, accepting uploads so that they are
// durable before they are acknowledged, and every word written to a client when
// something is refused.
//
// It does not own who a caller is (auth), resumable uploads (tus), the form of the
// documents (client), templates (page), nor starting or ending an attempt
// (dispatcher): what it wants of the dispatcher it writes into a row.
// It may import its own sub-packages, runner and the packages of data under it, sql/...,
// httprouter and mimetype.
package webui
