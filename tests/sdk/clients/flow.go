// Go's net/http: kept-alive connections, a chunked body (its length is not known), Expect: 100-continue.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

var base string

func ask(method, path, body string) []byte {
	var sent io.Reader
	if body != "" {
		sent = io.MultiReader(strings.NewReader(body)) // hides the length
	}
	request, _ := http.NewRequest(method, base+path, sent)
	request.Header.Set("Content-Type", "application/json")
	if body != "" {
		request.Header.Set("Expect", "100-continue")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode >= 300 {
		panic(fmt.Sprint(path, answer.StatusCode, string(text)))
	}
	return text
}

func main() {
	base = os.Args[1] + "/api"
	ask("PUT", "/metadata/workflow", os.Args[2])
	for run := 0; run < 3; run++ {
		id := string(ask("POST", "/workflow/clients", `{"n":"ü"}`))
		var tasks []map[string]any
		json.Unmarshal(ask("GET", "/tasks/poll/batch/step?count=1&timeout=1000&workerid=go", ""), &tasks)
		result, _ := json.Marshal(map[string]any{"taskId": tasks[0]["taskId"], "workflowInstanceId": id,
			"status": "COMPLETED", "outputData": map[string]string{"by": "go"}})
		ask("POST", "/tasks", string(result))
		var state map[string]any
		json.Unmarshal(ask("GET", "/workflow/"+id+"/status?includeOutput=true", ""), &state)
		fmt.Println(state["status"])
	}
}
