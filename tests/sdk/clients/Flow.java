// Java's own HttpClient, as it comes: it offers HTTP/2 with its first request.
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.Pattern;

public class Flow {
    static final HttpClient CLIENT = HttpClient.newHttpClient();
    static String base;

    static String ask(String method, String path, String body) throws Exception {
        var publisher = body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body);
        var request = HttpRequest.newBuilder(URI.create(base + path)).method(method, publisher)
            .header("Content-Type", "application/json").build();
        var answer = CLIENT.send(request, BodyHandlers.ofString());
        if (answer.statusCode() >= 300) throw new IllegalStateException(path + " " + answer.statusCode() + answer.body());
        return answer.body();
    }

    static String field(String json, String name) {
        var found = Pattern.compile("\"" + name + "\":\"([^\"]*)\"").matcher(json);
        return found.find() ? found.group(1) : null;
    }

    public static void main(String[] arguments) throws Exception {
        base = arguments[0] + "/api";
        ask("PUT", "/metadata/workflow", arguments[1]);
        for (int run = 0; run < 3; run++) {
            var id = ask("POST", "/workflow/clients", "{\"n\":\"\u00fc\"}");
            var task = ask("GET", "/tasks/poll/batch/step?count=1&timeout=1000&workerid=java", null);
            ask("POST", "/tasks", "{\"taskId\":\"" + field(task, "taskId") + "\",\"workflowInstanceId\":\"" + id
                + "\",\"status\":\"COMPLETED\",\"outputData\":{\"by\":\"java\"}}");
            System.out.println(field(ask("GET", "/workflow/" + id + "/status?includeOutput=true", null), "status"));
        }
    }
}
