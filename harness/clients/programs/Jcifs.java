// One resident JVM that runs jcifs 1.3 for a rehearsal: a flat JSON object a line in, one a line out.
// in:  {"id": "1", "check": "browse|open|write", "port": "40001", "address": "...", "share": "...", "user": "...",
//       "password": "...", "file": "...", "text": "..."}; all values are strings
// out: {"id": "1", "ok": true|false, "said": "..."}; it ends when its standard input does, whatever it is doing.
// The first line that it writes, of id 0, says that it is ready and what it is.

import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import jcifs.smb.NtlmPasswordAuthentication;
import jcifs.smb.SmbFile;

public final class Jcifs {
    private static final Pattern PAIR = Pattern.compile("\"(\\w+)\":\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(u([0-9a-f]{4})|.)");

    public static void main(String[] arguments) throws Exception {
        // jcifs logs to System.err; nothing but answers may go to the standard output.
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err);
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        // The jar's own name has its version: jcifs-1.3.19.jar.
        Path jar = Path.of(SmbFile.class.getProtectionDomain().getCodeSource().getLocation().toURI()).toRealPath();
        String version = jar.getFileName().toString().replace(".jar", "").replace('-', ' ');
        answers.println(reply("0", true, version + ", Java " + System.getProperty("java.version")));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            Map<String, String> request = parse(line);
            // A thread of its own, so that the end of our input ends us while jcifs still waits for a server.
            Thread thread = new Thread(() -> answers.println(answer(request)));
            thread.setDaemon(true);
            thread.start();
        }
        Runtime.getRuntime().halt(0);
    }

    private static String answer(Map<String, String> request) {
        boolean ok = false;
        String said;
        try {
            said = perform(request);
            ok = true;
        } catch (Throwable thrown) {
            said = thrown.getClass().getSimpleName() + ": " + thrown.getMessage();
        } finally {
            disconnect();
        }
        return reply(request.get("id"), ok, said);
    }

    private static String reply(String id, boolean ok, String said) {
        return "{\"id\": " + quote(id) + ", \"ok\": " + ok + ", \"said\": " + quote(said) + "}";
    }

    private static String perform(Map<String, String> request) throws Exception {
        NtlmPasswordAuthentication account =
                new NtlmPasswordAuthentication("", request.get("user"), request.get("password"));
        String server = "smb://127.0.0.1:" + request.get("port") + "/";
        String share = server + request.get("share") + "/";
        switch (request.get("check")) {
            case "browse":
                return names(new SmbFile(server, account));
            case "open":
                return names(new SmbFile(share, account));
            case "write":
                SmbFile file = new SmbFile(share + request.get("file"), account);
                try (OutputStream sink = file.getOutputStream()) {
                    sink.write(request.get("text").getBytes(StandardCharsets.UTF_8));
                }
                String back;
                try (InputStream source = file.getInputStream()) {
                    back = new String(source.readAllBytes(), StandardCharsets.UTF_8);
                }
                file.delete();
                return back;
            default:
                throw new IllegalArgumentException(request.get("check"));
        }
    }

    private static String names(SmbFile folder) throws Exception {
        List<String> names = new ArrayList<>();
        for (SmbFile file : folder.listFiles()) {
            names.add(file.getName());
        }
        return String.join("\n", names);
    }

    // jcifs keeps connections for later and offers no way to close them.
    private static void disconnect() {
        try {
            Class<?> constants = Class.forName("jcifs.smb.SmbConstants");
            Field field = constants.getField("CONNECTIONS");
            field.setAccessible(true);
            List<?> connections = (List<?>) field.get(null);
            List<?> open;
            synchronized (connections) {
                open = new ArrayList<>(connections);
                connections.clear();
            }
            for (Object connection : open) {
                Method disconnect =
                        Class.forName("jcifs.util.transport.Transport").getMethod("disconnect", boolean.class);
                disconnect.setAccessible(true);
                disconnect.invoke(connection, true);
            }
        } catch (ReflectiveOperationException changed) {
            throw new IllegalStateException(changed);
        }
    }

    private static Map<String, String> parse(String line) {
        Map<String, String> found = new HashMap<>();
        Matcher pairs = PAIR.matcher(line);
        while (pairs.find()) {
            found.put(pairs.group(1), unescape(pairs.group(2)));
        }
        return found;
    }

    private static String unescape(String text) {
        return ESCAPE.matcher(text).replaceAll(found -> {
            String plain = found.group(1);
            switch (plain.charAt(0)) {
                case 'u':
                    plain = String.valueOf((char) Integer.parseInt(found.group(2), 16));
                    break;
                case 'n':
                    plain = "\n";
                    break;
                case 't':
                    plain = "\t";
                    break;
                default:
                    break;
            }
            return Matcher.quoteReplacement(plain);
        });
    }

    private static String quote(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char one : String.valueOf(text).toCharArray()) {
            if (one == '"' || one == '\\' || one < ' ' || one > '~') {
                quoted.append(String.format("\\u%04x", (int) one));
            } else {
                quoted.append(one);
            }
        }
        return quoted.append('"').toString();
    }
}
