package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/mediahooks/mediahooks/shared/lane"
	"github.com/mediahooks/mediahooks/shared/retry"
)

// assumption is a part of the model.
type assumption struct{ what, value, source string }

// Where numbers are from.
const (
	scalingPage = "[Lambda, scaling of SQS mappings](https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html)"
	fairPage    = "[SQS, how fair queues work](https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html)"
	measured    = "[measured in 2022](https://bitesizedserverless.com/bite/serverless-messaging-latency-compared/), SQS to Lambda"
	assumed     = "assumption"
	ours        = "the code"
	template    = "template.yaml"
)

// assumptions lists all of it, with the numbers that the code goes by.
func assumptions() []assumption {
	return []assumption{
		{"places of a mapping at rest", fmt.Sprint(placesAtRest), scalingPage},
		{"more places while there is a backlog and all are in use", fmt.Sprintf("%d a minute", rampPerSecond*60), scalingPage + "; that they come evenly, one second after the other, is an assumption"},
		{"most places", "MaximumConcurrency", scalingPage},
		{"places are given up", fmt.Sprintf("after %d s without a backlog, as fast as they came", calmFor), assumed},
		{"a place is in use", "from the receive until the slowest member of the batch is done and the batch is deleted", scalingPage + ": a batch is one invocation"},
		{"batch", fmt.Sprintf("what is visible, at most %d; an idle place takes what it finds at once, so single events make batches of one, and what one call has sent makes one batch", batchSize), template + ", and " + assumed},
		{"message there until invocation", quantiles(receiveLatency), measured},
		{"order without fair queues", fmt.Sprintf("one of the first %d", sampled), assumed + ", standard queues promise none"},
		{"a group is noisy", fmt.Sprintf("with %d or more in flight and more than 1/%d of all in flight, or more than 1/%d of recent processing time; until its backlog is gone or for %s without a message", noisyInFlight, noisyShare, noisyShare, short(quietAfter)), fairPage},
		{"recent processing time", fmt.Sprintf("the last %d to %d s", int(noisyRecent.Seconds()), int(2*noisyRecent.Seconds())), assumed},
		{"noisy groups are found", "at once", assumed + "; the page says that the thresholds are approximate"},
		{"served first", "quiet groups, oldest first; then the noisy one with the fewest in flight", fairPage},
		{"delay of a message", "whole seconds, rounded up", ours + ", shared/queue"},
		{"function timeout, visibility timeout", fmt.Sprintf("%s, %s; no invocation of a run may take as long, or the run fails", short(functionTimeout), short(visibility)), template},
		{"start of a process", quantiles(coldLatency), assumed + "; its own part is 6 ms ([performance](performance.md))"},
		{"an idle process is kept", "5 to 7 min", assumed + ", on the short side of what people have measured"},
		{"which process gets a batch", "the one used last; each lane has its own, being a function of its own", assumed + ", and " + template},
		{"call of DynamoDB", quantiles(tableLatency), assumed},
		{"call of SQS", quantiles(queueLatency), assumed},
		{"answer of a quick endpoint", quantiles(answerLatency), assumed},
		{"network to an endpoint", fmt.Sprintf("%s each way, two round trips for a new connection; one connection per process, kept for %s", short(oneWay), short(keptOpen)), assumed},
		{"timeout of a POST", short(postTimeout), ours + ", shared/outbound"},
		{"a process trusts a health that it has read for", short(healthFor), ours + ", shared/delivery"},
		{"places of an environment for finding out, and their lease", fmt.Sprintf("%d, %s or until the attempt is recorded", probePlaces, short(probeFor)), ours + ", shared/store and shared/delivery"},
		{"attempts are recorded", fmt.Sprintf("every %s and at the end of the batch", short(recordEvery)), ours + ", shared/delivery"},
		{"settings and keys are read", fmt.Sprintf("at most every %s by a process", short(settingsFor)), ours + ", shared/registry"},
		{"slow from; proven for; slow for at least; put back for; put back at most", fmt.Sprintf("%s; %s; %s; %s; %d times", short(lane.SlowAfter), short(lane.ProvenFor), short(lane.SlowFor), short(lane.PassFor), lane.MaxPasses), ours + ", shared/lane, which the simulation calls"},
		{"retries", retry.Cloudinary().String(), ours + ", shared/retry, which the simulation calls"},
		{"quiet environment", fmt.Sprintf("%d events/s, one by one, to an endpoint of its own; watched for %s from the beginning of the disturbance", int(time.Second/quietEvery), short(watchFor)), assumed},
		{"a row", fmt.Sprintf("%d runs with other random numbers: percentiles over all of them, the worst of peaks and times, the mean of counts", rounds), ""},
	}
}

// quantiles writes a distribution.
func quantiles(l latency) string {
	var parts []string
	for _, q := range l {
		if q.ofMillion == 0 || q.ofMillion == 1_000_000 {
			continue
		}
		parts = append(parts, fmt.Sprintf("p%s %s", strings.TrimSuffix(fmt.Sprint(float64(q.ofMillion)/1e4), ".0"), short(q.took)))
	}
	return strings.Join(append(parts, "at most "+short(l[len(l)-1].took)), ", ")
}
