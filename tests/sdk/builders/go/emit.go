// Emits a definition of each kind that the builders of the Go SDK can write, into the folder that is its argument.
package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"github.com/conductor-sdk/conductor-go/sdk/model"
	"github.com/conductor-sdk/conductor-go/sdk/workflow"
)

type T = workflow.TaskInterface

func wf(name string) *workflow.ConductorWorkflow {
	return workflow.NewConductorWorkflow(nil).Name(name).Version(1).OwnerEmail("team@example.com")
}
func s(ref string) *workflow.SimpleTask { return workflow.NewSimpleTask("work_"+ref, ref) }

func main() {
	version := int32(1)
	all := []*workflow.ConductorWorkflow{}
	add := func(w *workflow.ConductorWorkflow) { all = append(all, w) }

	add(wf("go_simple").InputParameters("a", "b").OutputParameters(map[string]interface{}{"o": s("two").OutputRef("x")}).
		Add(s("one").Input("a", "${workflow.input.a}").RetryPolicy(3, workflow.ExponenialBackOffRetry, 5, 2).ConcurrentExecutionLimit(3).ResponseTimeout(10).ExecutionTimeout(60).PollTimeout(20).RateLimitFrequency(10, 5)).
		Add(s("two").Input("b", s("one").OutputRef("y")).Optional(true).Description("second")))
	add(wf("go_fork").Add(workflow.NewForkTask("fork", []T{s("f1"), s("f2")}, []T{s("f3")})).
		Add(s("after").Input("x", "${f2.output.x}")))
	add(wf("go_fork_join").Add(workflow.NewForkTaskWithJoin("fork", workflow.NewJoinTask("joined", "f2", "f3"), []T{s("f1"), s("f2")}, []T{s("f3")})).
		Add(s("after").Input("x", "${f2.output.x}")))
	add(wf("go_fork_inner").Add(workflow.NewForkTaskWithJoin("fork", workflow.NewJoinTask("joined", "inner_join", "f3"),
		[]T{workflow.NewForkTaskWithJoin("inner", workflow.NewJoinTask("inner_join", "g1", "g2"), []T{s("g1")}, []T{s("g2")})}, []T{s("f3")})))
	add(wf("go_dynamic_fork").Add(workflow.NewDynamicForkTask("dyn", s("plan"))).Add(s("after").Input("all", "${dyn_join.output}")))
	add(wf("go_dynamic_fork_no_prepare").InputParameters("tasks", "inputs").Add(workflow.NewDynamicForkTaskWithoutPrepareTask("dyn").
		Input("forkedTasks", "${workflow.input.tasks}").Input("forkedTasksInputs", "${workflow.input.inputs}")))
	add(wf("go_loop").Add(workflow.NewLoopTask("loop", 3, s("body").Input("i", "${loop.output.iteration}"))))
	add(wf("go_do_while").Add(workflow.NewDoWhileTask("loop", "if ($.body['done'] == true) { false; } else { true; }", s("body"),
		workflow.NewSwitchTask("sw", "${body.output.kind}").SwitchCase("a", s("case_a")).DefaultCase(s("other")))))
	add(wf("go_switch").InputParameters("kind").Add(workflow.NewSwitchTask("sw", "${workflow.input.kind}").
		SwitchCase("A", s("a1"), s("a2")).SwitchCase("B", workflow.NewTerminateTask("stop", model.FailedWorkflow, "no B")).DefaultCase(s("d1"))).Add(s("last")))
	add(wf("go_switch_js").InputParameters("kind").Add(workflow.NewSwitchTask("sw", "$.kind == 'a' ? 'A' : 'B'").UseJavascript(true).Input("kind", "${workflow.input.kind}").
		SwitchCase("A", s("a1")).SwitchCase("B", s("b1"))))
	add(wf("go_switch_empty").InputParameters("kind").Add(workflow.NewSwitchTask("sw", "${workflow.input.kind}").SwitchCase("A").DefaultCase(s("d1"))))
	child := wf("go_child").Add(s("c1"))
	add(child)
	add(wf("go_sub").Add(workflow.NewSubWorkflowTask("sub", "go_child", 1).Input("x", 1)).Add(workflow.NewSubWorkflowInlineTask("inl", wf("go_inlined").Add(s("i1")))).
		Add(s("after").Input("x", "${inl.output.x}")))
	add(wf("go_sub_latest").Add(workflow.NewSubWorkflowTask("sub", "go_child", 0)))
	add(wf("go_start").Add(workflow.NewStartWorkflowTask("st", "go_child", &version, &model.StartWorkflowRequest{Input: map[string]interface{}{"a": 1}})))
	add(wf("go_start_latest").Add(workflow.NewStartWorkflowTask("st", "go_child", nil, &model.StartWorkflowRequest{})))
	add(wf("go_http").Add(workflow.NewHttpTask("call", &workflow.HttpInput{Uri: "http://127.0.0.1:1/x", Headers: map[string][]string{"X-A": {"1", "2"}}})).
		Add(workflow.NewHttpTask("post", &workflow.HttpInput{Uri: "http://127.0.0.1:1/y", Method: workflow.POST, Body: map[string]interface{}{"a": "${call.output.response.body}"}, ContentType: "application/json", ReadTimeout: 500})))
	add(wf("go_inline").InputParameters("v").Add(workflow.NewInlineTask("js", "function f() { return $.v + 1; } f();").Input("v", "${workflow.input.v}")).
		Add(workflow.NewInlineGraalJSTask("gjs", "(() => { return $.v; })()").Input("v", "${js.output.result}")).
		Add(workflow.NewJQTask("jq", ".a").Input("a", "${gjs.output.result}")).Add(workflow.NewSetVariableTask("sv").Input("z", "${jq.output.result}")).
		Add(s("last").Input("z", "${workflow.variables.z}")))
	add(wf("go_waits").Add(workflow.NewWaitTask("w")).Add(workflow.NewWaitForDurationTask("wd", 2*time.Second)).Add(workflow.NewWaitUntilTask("wu", "2024-01-01 00:00 UTC")).Add(workflow.NewHumanTask("h")))
	add(wf("go_wait_long").Add(workflow.NewWaitForDurationTask("wd", 90*time.Minute+3*time.Second)).Add(workflow.NewWaitForDurationTask("wh", 500*time.Millisecond)))
	add(wf("go_event").Add(workflow.NewConductorEventTask("ev", "my_event")))
	add(wf("go_event_input").Add(workflow.NewSqsEventTask("sqs", "queue")))
	add(wf("go_dynamic").InputParameters("which").Add(workflow.NewDynamicTask("dt", "${workflow.input.which}").Input("a", 1)).Add(s("after").Input("x", "${dt.output.x}")))
	add(wf("go_kafka").Add(workflow.NewKafkaPublishTask("k", &workflow.KafkaPublishTaskInput{BootStrapServers: "b:9092", Key: "k", Value: "v", Topic: "t"})))
	add(wf("go_update").Add(workflow.NewUpdateTask("up", model.CompletedTask, "${workflow.workflowId}", "x")))
	add(wf("go_terminate").InputParameters("x").Add(workflow.NewTerminateTask("t", model.CompletedWorkflow, "done").Input("workflowOutput", "${workflow.input.x}")))
	add(wf("go_timeouts").TimeoutPolicy(workflow.TimeOutWorkflow, 60).FailureWorkflow("go_child").Variables(map[string]interface{}{"v": 1}).
		InputTemplate(map[string]interface{}{"a": 5}).Tags(map[string]string{"team": "x"}).Add(s("one").Input("v", "${workflow.variables.v}")))
	for _, w := range all {
		text, err := json.MarshalIndent(w.ToWorkflowDef(), "", " ")
		if err != nil {
			panic(err)
		}
		if err := os.WriteFile(filepath.Join(os.Args[1], w.GetName()+".json"), text, 0o644); err != nil {
			panic(err)
		}
	}
}
