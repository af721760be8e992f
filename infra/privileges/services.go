package privileges

// What AWS itself does in the roles that it is given: no code of ours calls it,
// and without it nothing works.
var (
	// LogWriter is what Lambda does with a function's log group.
	//
	// Source: Lambda developer guide, managed policy AWSLambdaBasicExecutionRole,
	// without logs:CreateLogGroup, since the template makes the group.
	LogWriter = []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	// QueuePoller is what an event source mapping does with its queue.
	//
	// Source: the same, managed policy AWSLambdaSQSQueueExecutionRole.
	QueuePoller = []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
	// FailureSender is what Lambda does with an asynchronous invocation that has
	// failed for good.
	FailureSender = []string{"sqs:SendMessage"}
	// Tracer is what Lambda does where it traces, and WorkflowTracer what Step
	// Functions does.
	//
	// Source: Lambda developer guide, managed policy AWSXRayDaemonWriteAccess; Step Functions
	// developer guide, Trace requests using X-Ray.
	Tracer         = []string{"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
	WorkflowTracer = []string{"xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}
	// LogDeliverer is what Step Functions does to have its log delivered. None of
	// these knows resources.
	//
	// Source: Step Functions developer guide, Logging to CloudWatch Logs.
	LogDeliverer = []string{
		"logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
		"logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
	}
)
