//go:build !noembed

package devserver

import (
	"time"

	"go.temporal.io/server/common/dynamicconfig"
)

// unlimited is a rate no single machine reaches. Temporal's limits share a
// cluster between tenants; here they would only cap the one tenant there is.
const unlimited = 1_000_000

// tuned are the settings of a Temporal that one process has to itself.
var tuned = map[string]any{
	// 20 by default, which makes every hop between two steps wait 50 ms.
	// Not for visibility: lists may be 50 ms behind, and a poll that finds the
	// rows of several flows is cheaper than one for each.
	"history.transferProcessorMaxPollRPS": 2000,
	"history.timerProcessorMaxPollRPS":    2000,
	"history.outboundProcessorMaxPollRPS": 2000,

	// The services are one process: between them a history can stay as it was
	// read, and no payload is stored elsewhere that would have to be counted.
	"history.sendRawHistoryBetweenInternalServices": true,
	"history.sendRawHistoryBytesToMatchingService":  true,
	"history.externalPayloadsEnabled":               false,

	// One node gains nothing from partitions, and loses a hop to each.
	"matching.numTaskqueueReadPartitions":  1,
	"matching.numTaskqueueWritePartitions": 1,

	"frontend.rps":                                                 unlimited,
	"frontend.namespaceRPS":                                        unlimited,
	"frontend.namespaceRPS.visibility":                             unlimited,
	"frontend.namespaceCount":                                      unlimited,
	"frontend.persistenceMaxQPS":                                   unlimited,
	"history.rps":                                                  unlimited,
	"history.persistenceMaxQPS":                                    unlimited,
	"matching.rps":                                                 unlimited,
	"matching.persistenceMaxQPS":                                   unlimited,
	"worker.persistenceMaxQPS":                                     unlimited,
	"system.visibilityPersistenceMaxReadQPS":                       unlimited,
	"system.visibilityPersistenceMaxWriteQPS":                      unlimited,
	"frontend.rps.namespaceReplicationInducingAPIs":                1000,
	"frontend.namespaceRPS.namespaceReplicationInducingAPIs":       1000,
	"frontend.globalNamespaceRPS.namespaceReplicationInducingAPIs": 1000,
	"worker.schedulerNamespaceStartWorkflowRPS":                    1000.0,

	// What Clinker counts on, whatever the defaults become.
	"system.enableEagerWorkflowStart":        true,
	"system.enableActivityEagerExecution":    true,
	"frontend.enableUpdateWorkflowExecution": true,
	"frontend.WorkerHeartbeatsEnabled":       true,
	"frontend.ListWorkersEnabled":            true,
	"matching.enableFairness":                true,

	// A worker that has gone should leave the list soon: liveness reads it.
	"matching.workerRegistryEntryTTL":         2 * time.Minute,
	"matching.workerRegistryEvictionInterval": 30 * time.Second,

	// Bookkeeping for operators of large clusters.
	"system.persistenceHealthSignalMetricsEnabled":     false,
	"system.persistenceHealthSignalAggregationEnabled": false,
	"system.historyHealthSignalMetricsEnabled":         false,
	"metrics.breakdownByTaskQueue":                     false,
	"metrics.breakdownByPartition":                     false,
	"metrics.breakdownByBuildID":                       false,
	"matching.emitTaskDispatchLatencyAtPoll":           false,

	// Goroutines and memory for 512 threads of each kind on a small machine.
	"history.transferProcessorSchedulerWorkerCount":               64,
	"history.timerProcessorSchedulerWorkerCount":                  32,
	"history.visibilityProcessorSchedulerWorkerCount":             32,
	"history.archivalProcessorSchedulerWorkerCount":               1,
	"history.memoryTimerProcessorSchedulerWorkerCount":            16,
	"history.ReplicationProcessorSchedulerWorkerCount":            1,
	"history.ReplicationLowPriorityProcessorSchedulerWorkerCount": 1,
	"history.cacheTTL": 10 * time.Minute,
	// Mostly flows that have ended lie in these caches, and the garbage collector looks at all of them each time.
	"history.hostLevelCacheMaxSize":            300,
	"history.eventsHostLevelCacheMaxSizeBytes": 4 << 20,
	"history.xdcCacheMaxSizeBytes":             256 << 10,

	// The janitors of the system namespace run twice a day; two pollers do.
	"worker.ScannerMaxConcurrentActivityTaskPollers":     1,
	"worker.ScannerMaxConcurrentWorkflowTaskPollers":     2,
	"worker.ParentCloseMaxConcurrentActivityTaskPollers": 1,
	"worker.ParentCloseMaxConcurrentWorkflowTaskPollers": 2,
}

// dynamicConfig merges tuned, what the namespaces need and the overrides.
func dynamicConfig(o Options) dynamicconfig.Client {
	c := dynamicconfig.StaticClient{}
	set := func(name string, value any) { c[dynamicconfig.MakeKey(name)] = value }
	for name, value := range tuned {
		set(name, value)
	}
	shortest := 24 * time.Hour
	for _, ns := range o.Namespaces {
		shortest = min(shortest, ns.Keep())
	}
	// The server refuses a retention below this, and spreads deletions over
	// half an hour by default, which would belie a short one.
	set("system.namespaceMinRetentionLocal", min(time.Hour, shortest))
	set("history.retentionTimerJitterDuration", min(10*time.Minute, shortest/10))
	for name, value := range o.DynamicConfig {
		set(name, value)
	}
	return c
}
