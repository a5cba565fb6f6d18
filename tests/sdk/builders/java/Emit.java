// Emits a definition of each kind that the builders of the Java SDK can write, into the folder that is its argument.
import com.netflix.conductor.common.config.ObjectMapperProvider;
import com.netflix.conductor.common.metadata.workflow.WorkflowDef;
import com.netflix.conductor.common.metadata.tasks.TaskDef;
import com.netflix.conductor.common.run.Workflow;
import com.netflix.conductor.sdk.workflow.def.*;
import com.netflix.conductor.sdk.workflow.def.tasks.*;
import java.nio.file.*;
import java.time.*;
import java.util.*;

class Emit {
    static Path folder;
    static SimpleTask s(String ref) { return new SimpleTask("work_" + ref, ref); }
    static WorkflowBuilder<Map<String, Object>> wf(String name) {
        return new WorkflowBuilder<Map<String, Object>>(null).name(name).version(1).ownerEmail("team@example.com");
    }
    static void put(ConductorWorkflow<?> w) throws Exception {
        WorkflowDef def = w.toWorkflowDef();
        var mapper = new ObjectMapperProvider().getObjectMapper();
        Files.writeString(folder.resolve(def.getName() + ".json"), mapper.writerWithDefaultPrettyPrinter().writeValueAsString(def));
    }
    interface Make { ConductorWorkflow<?> make() throws Exception; }
    static void emit(String what, Make m) {
        try { put(m.make()); } catch (Throwable e) { System.out.println(what + ": " + e); }
    }
    public static void main(String[] a) throws Exception {
        folder = Path.of(a[0]);
        emit("simple", () -> wf("java_simple").defaultInput(Map.of("a", 1)).add(s("one").input("a", "${workflow.input.a}"), s("two").input("b", "${one.output.x}")).output("o", "${two.output.y}").build());
        emit("taskdef", () -> { TaskDef d = new TaskDef("work_one"); d.setRetryCount(2); d.setTimeoutSeconds(30); d.setResponseTimeoutSeconds(10); SimpleTask t = s("one"); t.setTaskDef(d); t.setOptional(true); t.setStartDelay(3);
            return wf("java_taskdef").add(t).timeoutPolicy(WorkflowDef.TimeoutPolicy.TIME_OUT_WF, 60).failureWorkflow("java_child").variables(Map.of("v", 1)).restartable(false).build(); });
        emit("fork", () -> wf("java_fork").add(new ForkJoin("fork", new Task[]{s("f1"), s("f2")}, new Task[]{s("f3")}), s("after").input("x", "${f2.output.x}")).build());
        emit("fork_on", () -> wf("java_fork_on").add(new ForkJoin("fork", new Task[]{s("f1"), s("f2")}, new Task[]{s("f3")}).joinOn("f2", "f3"), s("after")).build());
        emit("fork_inner", () -> wf("java_fork_inner").add(new ForkJoin("fork", new Task[]{s("f1"), new ForkJoin("inner", new Task[]{s("g1")}, new Task[]{s("g2")})}, new Task[]{s("f3")}), s("after")).build());
        emit("fork_ending_in_switch", () -> wf("java_fork_switch").add(new ForkJoin("fork", new Task[]{s("f1"), new Switch("sw", "${f1.output.k}").switchCase("A", s("a1")).defaultCase(s("d1"))}, new Task[]{s("f3")}), s("after")).build());
        emit("fork_ending_in_loop", () -> wf("java_fork_loop").add(new ForkJoin("fork", new Task[]{new DoWhile("lp", 2, s("b1"))}, new Task[]{new SubWorkflow("sub", "java_child", 1)})).build());
        emit("dynfork", () -> wf("java_dynfork").add(s("plan"), new DynamicFork("dyn", "${plan.output.tasks}", "${plan.output.inputs}"), s("after").input("all", "${dyn_join.output}")).build());
        emit("dynfork_task", () -> wf("java_dynfork_task").add(new DynamicFork("dyn", s("plan")), s("after")).build());
        emit("loop", () -> wf("java_loop").add(new DoWhile("loop", 3, s("body").input("i", "${loop.output.iteration}"))).build());
        emit("while", () -> wf("java_while").add(new DoWhile("loop", "if ($.body['done'] == true) { false; } else { true; }", s("body"), new Switch("sw", "${body.output.kind}").switchCase("a", s("ca")).defaultCase(s("d")))).build());
        emit("loop_over", () -> wf("java_loop_over").add(new DoWhile("loop", "$.loop['iteration'] < 2").loopOver(s("body"), new Wait("w", Duration.ofSeconds(1)))).build());
        emit("switch", () -> wf("java_switch").add(new Switch("sw", "${workflow.input.kind}").switchCase("A", s("a1"), s("a2")).switchCase("B", new Terminate("stop", Workflow.WorkflowStatus.FAILED, "no B")).defaultCase(s("d1")), s("last")).build());
        emit("switch_js", () -> wf("java_switch_js").add(new Switch("sw", "$.kind == 'a' ? 'A' : 'B'", true).input("kind", "${workflow.input.kind}").switchCase("A", s("a1")).switchCase("B", s("b1"))).build());
        emit("switch_names", () -> wf("java_switch_names").add(new Switch("sw", "${workflow.input.kind}").switchCase("A", "t1", "t2").defaultCase("t3")).build());
        emit("child", () -> wf("java_child").add(s("c1")).build());
        emit("sub", () -> wf("java_sub").add(new SubWorkflow("sub", "java_child", 1).input("x", 1), new SubWorkflow("inl", wf("java_inlined").add(s("i1")).build()), s("after").input("x", "${inl.output.x}")).build());
        emit("sub_latest", () -> wf("java_sub_latest").add(new SubWorkflow("sub", "java_child", (Integer) null)).build());
        emit("http", () -> wf("java_http").add(new Http("call").url("http://127.0.0.1:1/x"), new Http("post").url("http://127.0.0.1:1/y").method(Http.Input.HttpMethod.POST).headers(Map.of("X-A", "1")).body(Map.of("a", "${call.output.response.body}")).readTimeout(500)).build());
        emit("http_bare", () -> wf("java_http_bare").add(new Http("call")).build());
        emit("inline", () -> wf("java_inline").add(new Javascript("js", "function f() { return $.v + 1; } f();").input("v", "${workflow.input.v}"), new JQ("jq", ".a").input("a", "${js.output.result}"), new SetVariable("sv").input("z", "${jq.output.result}"), s("last").input("z", "${workflow.variables.z}")).build());
        emit("waits", () -> wf("java_waits").add(new Wait("w"), new Wait("wd", Duration.ofSeconds(2)), new Wait("wl", Duration.ofMinutes(90).plusSeconds(3)), new Wait("wms", Duration.ofMillis(500))).build());
        emit("wait_until", () -> wf("java_wait_until").add(new Wait("wu", ZonedDateTime.of(2024, 1, 1, 0, 0, 0, 0, ZoneId.of("UTC")))).build());
        emit("wait_days", () -> wf("java_wait_days").add(new Wait("wd", Duration.ofDays(2).plusHours(3).plusMinutes(4).plusSeconds(5))).build());
        emit("event", () -> wf("java_event").add(new Event("ev", "conductor:my_event"), new Event("sqs", "sqs:queue").input("a", 1)).build());
        emit("dynamic", () -> wf("java_dynamic").add(new Dynamic("dt", "${workflow.input.which}").input("a", 1), s("after").input("x", "${dt.output.x}")).build());
        emit("terminate", () -> wf("java_terminate").add(new Terminate("t", Workflow.WorkflowStatus.COMPLETED, "done", Map.of("a", "${workflow.input.x}"))).build());
        emit("terminate_bare", () -> wf("java_terminate_bare").add(new Terminate("t", "done")).build());
        emit("join", () -> wf("java_join").add(s("a"), new Join("j", "a")).build());
    }
}
