// Node's fetch: kept-alive connections, and bodies that are streamed.
const [url, definition] = process.argv.slice(2);

async function ask(method, path, body) {
  const stream = body && new ReadableStream({
    start(controller) {
      for (const part of [body.slice(0, 7), body.slice(7)]) controller.enqueue(new TextEncoder().encode(part));
      controller.close();
    },
  });
  const headers = {"Content-Type": "application/json"};
  const answer = await fetch(`${url}/api${path}`, {method, headers, body: stream, duplex: "half"});
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} ${answer.status} ${text}`);
  return text;
}

await ask("PUT", "/metadata/workflow", definition);
for (let run = 0; run < 3; run++) {
  const id = await ask("POST", "/workflow/clients", '{"n":"ü"}');
  const [task] = JSON.parse(await ask("GET", "/tasks/poll/batch/step?count=1&timeout=1000&workerid=node"));
  const result = {taskId: task.taskId, workflowInstanceId: id, status: "COMPLETED", outputData: {by: "node"}};
  await ask("POST", "/tasks", JSON.stringify(result));
  console.log(JSON.parse(await ask("GET", `/workflow/${id}/status?includeOutput=true`)).status);
}
