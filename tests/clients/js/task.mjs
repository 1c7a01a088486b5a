// A pipeline from its creation to its end, with a task runner's calls.
import { call, given, print } from "./sdk.mjs";

const made = await call("CreatePipeline", { name: "from JavaScript", uniqueId: given.unique });
const { pipelineId } = made;
const put = await call("PutPipelineDefinition", {
  pipelineId,
  pipelineObjects: [
    {
      id: "A",
      name: "A",
      fields: [
        { key: "type", stringValue: "ShellCommandActivity" },
        { key: "workerGroup", stringValue: given.group },
        { key: "command", stringValue: "echo #{myWord}" },
        { key: "schedule", refValue: "Once" },
        { key: "scheduleType", stringValue: "cron" },
      ],
    },
    {
      id: "Once",
      name: "Once",
      fields: [
        { key: "type", stringValue: "Schedule" },
        { key: "period", stringValue: "1 day" },
        { key: "startAt", stringValue: "FIRST_ACTIVATION_DATE_TIME" },
        { key: "occurrences", stringValue: "1" },
      ],
    },
  ],
  parameterObjects: [{ id: "myWord", attributes: [{ key: "type", stringValue: "String" }] }],
});
await call("ActivatePipeline", {
  pipelineId,
  parameterValues: [{ id: "myWord", stringValue: "hello" }],
  startTimestamp: new Date(0),
});
const { taskObject } = await call("PollForTask", { workerGroup: given.group, hostname: "node" });
const { taskId } = taskObject;
const report = await call("ReportTaskProgress", {
  taskId,
  fields: [{ key: "percentComplete", stringValue: "50" }],
});
// An emoji cut in two: the result must not be lost for it.
await call("SetTaskStatus", {
  taskId,
  taskStatus: "FAILED",
  errorId: "E",
  errorMessage: "\ud83d",
  errorStackTrace: "at line\n".repeat(1000),
});
const heartbeat = await call("ReportTaskRunnerHeartbeat", { taskrunnerId: "node-1" });
const after = await call("PollForTask", { workerGroup: given.empty });
print({ pipelineId, made, put, taskObject, report, heartbeat, after });
