// Command postern-sdk sends telemetry as an application does: through the OpenTelemetry SDK, over OTLP/gRPC.
//
//	postern-sdk -endpoint 127.0.0.1:4317 -run nightly -logs 1000 -metrics 200 -spans 500 -gzip
//
// Every log record, data point and span has an attribute record.id, "RUN-logs-000001" and so on, by which
// the receiving end tells what is missing and what came twice. The last line of the output is JSON.
//
// Exit codes: 0 every export was answered OK; 1 at least one was not; 64 wrong option.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
)

// options is what the command line asks for.
type options struct {
	endpoint string
	run      string
	logs     int
	metrics  int
	spans    int
	batch    int
	gzip     bool
	timeout  time.Duration
}

// report is the line of JSON at the end.
type report struct {
	Run      string   `json:"run"`
	Logs     int      `json:"logs"`
	Metrics  int      `json:"metrics"`
	Spans    int      `json:"spans"`
	Seconds  float64  `json:"seconds"`
	Failures []string `json:"failures"`
}

// failures collects what went wrong, from any goroutine: the SDK tells some of it only to a handler.
type failures struct {
	mutex sync.Mutex
	seen  []string
}

func (f *failures) add(what string, err error) {
	if err == nil {
		return
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.seen = append(f.seen, what+": "+err.Error())
}

// Handle makes failures an otel.ErrorHandler.
func (f *failures) Handle(err error) { f.add("sdk", err) }

func parseOptions() options {
	var o options
	flag.StringVar(&o.endpoint, "endpoint", "127.0.0.1:4317", "`host:port` of an OTLP/gRPC receiver without TLS")
	flag.StringVar(&o.run, "run", strconv.FormatInt(time.Now().UnixNano(), 36), "first part of every id")
	flag.IntVar(&o.logs, "logs", 0, "how many log records")
	flag.IntVar(&o.metrics, "metrics", 0, "how many data points, each a series of its own")
	flag.IntVar(&o.spans, "spans", 0, "how many spans")
	flag.IntVar(&o.batch, "batch", 512, "log records or spans in an export, at most")
	flag.BoolVar(&o.gzip, "gzip", false, "compress the exports")
	flag.DurationVar(&o.timeout, "timeout", time.Minute, "bound on everything")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "postern-sdk: sends telemetry with ids through the OpenTelemetry SDK\n\nOptions:")
		flag.PrintDefaults()
	}
	flag.CommandLine.Init("postern-sdk", flag.ContinueOnError)
	if err := flag.CommandLine.Parse(os.Args[1:]); err != nil {
		if err == flag.ErrHelp {
			os.Exit(0)
		}
		os.Exit(64)
	}
	if flag.NArg() > 0 || o.logs < 0 || o.metrics < 0 || o.spans < 0 || o.batch < 1 {
		flag.Usage()
		os.Exit(64)
	}
	return o
}

func main() {
	o := parseOptions()
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()

	var failed failures
	otel.SetErrorHandler(&failed)
	start := time.Now()
	for _, signal := range []struct {
		name  string
		count int
		send  func(context.Context, options) error
	}{
		{"logs", o.logs, sendLogs},
		{"metrics", o.metrics, sendMetrics},
		{"spans", o.spans, sendSpans},
	} {
		if signal.count > 0 {
			failed.add(signal.name, signal.send(ctx, o))
		}
	}

	line, err := json.Marshal(report{
		Run: o.run, Logs: o.logs, Metrics: o.metrics, Spans: o.spans,
		Seconds: time.Since(start).Seconds(), Failures: append([]string{}, failed.seen...),
	})
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	fmt.Println(string(line))
	if len(failed.seen) > 0 {
		os.Exit(1)
	}
}
