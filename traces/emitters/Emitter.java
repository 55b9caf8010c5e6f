import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The trace of one life of one server, as zabcheck reads it; its main writes that of two servers:
 * java Emitter.java FOLDER. Copy it into a server: it needs nothing but the JDK (11 or later).
 * The format is in traces/README.md; arguments of events are JSON text.
 */
public final class Emitter {
    private final FileChannel file;
    private final String who;
    private final Map<String, Long> ordinals = new HashMap<>();
    private long seq;

    public Emitter(Path folder, long server, int incarnation, List<Long> servers) throws IOException {
        Path path = folder.resolve("server-" + server + "-" + incarnation + ".ndjson");
        file = FileChannel.open(path, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW);
        who = "{\"server\":" + server + ",\"incarnation\":" + incarnation + ",\"seq\":";
        write("{\"zabTrace\":1,\"source\":\"server\",\"implementation\":{\"name\":\"example\","
            + "\"version\":\"1\"},\"servers\":" + servers.toString().replace(" ", "")
            + ",\"observers\":[],\"profile\":\"fixed\",\"window\":500,"
            + "\"contract\":{\"hidden\":[],\"state\":false,\"silent\":[]}}");
    }

    /** Start, Stop, Looking, Elected, Persisted, Proposed, ...: when it has happened. */
    public synchronized void event(String event, String arguments) throws IOException {
        String more = arguments.isEmpty() ? "" : "," + arguments;
        write(who + seq++ + ",\"event\":\"" + event + "\"" + more + "}");
    }

    /** Quorum port: this end has a connection. Its messages count from 0, each way. */
    public synchronized void connected(String connection, long peer) throws IOException {
        ordinals.put("Sent " + connection, 0L);
        ordinals.put("Received " + connection, 0L);
        event("Connected", "\"connection\":\"" + connection + "\",\"peer\":" + peer);
    }

    /** Before the bytes go to the socket, and under the lock that orders the socket's writes. */
    public void sent(String connection, long peer, String message) throws IOException {
        message("Sent", connection, peer, message);
    }

    /** When the message is decoded, before anything that it causes. */
    public void received(String connection, long peer, String message) throws IOException {
        message("Received", connection, peer, message);
    }

    private synchronized void message(String way, String connection, long peer, String message)
            throws IOException {
        long ordinal = ordinals.merge(way + " " + connection, 1L, Long::sum) - 1;
        event(way, "\"connection\":\"" + connection + "\",\"ordinal\":" + ordinal
            + ",\"peer\":" + peer + ",\"message\":" + message);
    }

    /** One write for each line, before the step goes on: a kill leaves whole lines, and all. */
    private void write(String line) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            file.write(bytes);
        }
    }

    private static String vote(long leader) {
        return "{\"type\":\"NOTIFICATION\",\"role\":\"LOOKING\",\"leader\":" + leader
            + ",\"zxid\":\"0.0\",\"round\":1,\"peerEpoch\":0}";
    }

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        Emitter one = new Emitter(folder, 1, 1, List.of(1L, 2L));
        Emitter two = new Emitter(folder, 2, 1, List.of(1L, 2L));
        String link = "10.0.0.2:40001>10.0.0.1:3888";
        for (Emitter server : List.of(one, two)) {
            server.event("Start", "\"recovered\":{\"acceptedEpoch\":0,\"currentEpoch\":0,"
                + "\"lastZxid\":\"0.0\",\"logLength\":0}");
            server.event("Looking", "\"round\":1");
        }
        one.sent(link, 2, vote(1));
        two.sent(link, 1, vote(2));
        two.received(link, 1, vote(1));
        for (Emitter server : List.of(one, two)) {
            server.event("Stop", "");
        }
    }
}
