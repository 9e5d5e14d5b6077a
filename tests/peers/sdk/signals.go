package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/log"
	"go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

const (
	idKey     = "record.id"
	scopeName = "postern-sdk"
)

func (o options) id(signal string, n int) string { return fmt.Sprintf("%s-%s-%06d", o.run, signal, n) }

func (o options) resource() *resource.Resource {
	return resource.NewSchemaless(attribute.String("service.name", "postern-sdk"), attribute.String("run", o.run))
}

// sendLogs emits all records and waits until each of them was exported or given up.
func sendLogs(ctx context.Context, o options) error {
	settings := []otlploggrpc.Option{otlploggrpc.WithEndpoint(o.endpoint), otlploggrpc.WithInsecure(),
		otlploggrpc.WithTimeout(o.timeout)}
	if o.gzip {
		settings = append(settings, otlploggrpc.WithCompressor("gzip"))
	}
	exporter, err := otlploggrpc.New(ctx, settings...)
	if err != nil {
		return err
	}
	// Room for all: a processor whose queue is full drops records without a word.
	processor := sdklog.NewBatchProcessor(exporter,
		sdklog.WithMaxQueueSize(o.logs+1), sdklog.WithExportMaxBatchSize(o.batch))
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(processor), sdklog.WithResource(o.resource()))
	logger := provider.Logger(scopeName)
	for n := 1; n <= o.logs; n++ {
		var record log.Record
		record.SetTimestamp(time.Now())
		record.SetSeverity(log.SeverityInfo)
		record.SetBody(log.StringValue("order accepted"))
		record.AddAttributes(log.String(idKey, o.id("logs", n)))
		logger.Emit(ctx, record)
	}
	return errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx))
}

// sendMetrics records one gauge of as many series as points are wanted, and exports them once.
func sendMetrics(ctx context.Context, o options) error {
	settings := []otlpmetricgrpc.Option{otlpmetricgrpc.WithEndpoint(o.endpoint), otlpmetricgrpc.WithInsecure(),
		otlpmetricgrpc.WithTimeout(o.timeout)}
	if o.gzip {
		settings = append(settings, otlpmetricgrpc.WithCompressor("gzip"))
	}
	exporter, err := otlpmetricgrpc.New(ctx, settings...)
	if err != nil {
		return err
	}
	// No collection by time: everything is exported once, by the flush at the end.
	reader := sdkmetric.NewPeriodicReader(exporter, sdkmetric.WithInterval(time.Hour))
	provider := sdkmetric.NewMeterProvider(
		sdkmetric.WithReader(reader), sdkmetric.WithResource(o.resource()), sdkmetric.WithCardinalityLimit(0))
	gauge, err := provider.Meter(scopeName).Float64Gauge("postern.sdk.value", metric.WithUnit("ms"))
	if err != nil {
		return err
	}
	for n := 1; n <= o.metrics; n++ {
		gauge.Record(ctx, float64(n), metric.WithAttributes(attribute.String(idKey, o.id("metrics", n))))
	}
	// Shutdown is the one flush: ForceFlush before it would send every point twice.
	return provider.Shutdown(ctx)
}

// sendSpans ends all spans and waits until each of them was exported or given up.
func sendSpans(ctx context.Context, o options) error {
	settings := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(o.endpoint), otlptracegrpc.WithInsecure(),
		otlptracegrpc.WithTimeout(o.timeout)}
	if o.gzip {
		settings = append(settings, otlptracegrpc.WithCompressor("gzip"))
	}
	exporter, err := otlptracegrpc.New(ctx, settings...)
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(o.resource()),
		sdktrace.WithBatcher(exporter, sdktrace.WithBlocking(), sdktrace.WithMaxExportBatchSize(o.batch)))
	tracer := provider.Tracer(scopeName)
	for n := 1; n <= o.spans; n++ {
		_, span := tracer.Start(ctx, "POST /v1/orders")
		span.SetAttributes(attribute.String(idKey, o.id("spans", n)))
		span.End()
	}
	return errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx))
}
