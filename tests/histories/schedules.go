package main

import (
	"github.com/clinker-storage/clinker/internal/flow"
	"github.com/clinker-storage/clinker/models"
)

// scheduleScenarios wait for what a run has done by flows of their own, and for a flow of which only the record is known.
func scheduleScenarios() []scenario {
	kind := string(flow.ScheduleRun)
	return []scenario{
		{name: kind + "-success", op: flow.ScheduleRun},
		{name: kind + "-waits-for-backup", op: flow.ScheduleRun, dataAway: true, waits: string(flow.BackupCreate)},
		{name: kind + "-waits-for-record", op: flow.ScheduleRun, unsettled: true, waits: "timer"},
		{name: kind + "-refused", op: flow.ScheduleRun, fail: map[string]int{flow.TaskExtractScheduleRequest: 1}, as: map[string]flow.ErrorType{flow.TaskExtractScheduleRequest: flow.ErrNotFound}},
	}
}

// scheduleTasks are the steps of a run, and of what tidies up behind a backup.
var scheduleTasks = []string{
	flow.TaskExtractScheduleRequest, flow.TaskBeginVerify, flow.TaskPlanRetention, flow.TaskBeginExpire, flow.TaskFlowOutcome, flow.TaskEntryScheduled,
	flow.TaskExtractTidyRequest, flow.TaskEntryTidied,
}

// below is the header of a flow that a scenario's run starts.
func (s scenario) below(op flow.Operation) flow.Header {
	h := s.start().Header
	h.ResourceID, h.FlowID = backupID, flow.ID(op, backupID, h.RequestID+"-"+s.name)
	h.Tasks = scenario{op: op}.tasks()
	return h
}

// scheduleResults adds what the steps of a run answer.
func (s scenario) scheduleResults(results map[string]any) {
	results[flow.TaskExtractScheduleRequest] = flow.ScheduleSpec{
		Backup: flow.BackupCreateInput{Header: s.below(flow.BackupCreate), VolumeID: resourceID, Name: "nightly 2026-11-27 02:30"}, Verify: true,
	}
	results[flow.TaskBeginVerify] = flow.BackupVerifyInput{Header: s.below(flow.BackupVerify), Backup: storedBackup(), Host: flow.HostOf(backend)}
	results[flow.TaskPlanRetention] = flow.RetentionPlan{Expired: []string{backupID}}
	results[flow.TaskBeginExpire] = flow.ExpireResult{Remove: flow.BackupRemoveInput{Header: s.below(flow.BackupDelete), Backup: storedBackup(), Host: flow.HostOf(backend)}}
	results[flow.TaskFlowOutcome] = flow.Outcome{Known: true, State: models.FlowSuccess}
	if s.unsettled {
		results[flow.TaskFlowOutcome] = flow.Outcome{Known: true, State: models.FlowRunning}
	}
}
