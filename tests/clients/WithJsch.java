/** JSch. It reads keys in PEM, and knows ECDSA but not Ed25519. */

import com.jcraft.jsch.ChannelExec;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.Session;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class WithJsch {
    static Session connection(String login) throws Exception {
        JSch jsch = new JSch();
        jsch.addIdentity(System.getenv("VMC_KEY_PEM"));
        jsch.setKnownHosts(System.getenv("VMC_KNOWN_HOSTS"));
        Session session = jsch.getSession(login, "127.0.0.1", Integer.parseInt(System.getenv("VMC_PORT")));
        session.connect(240000);
        return session;
    }

    static int ended(ChannelExec channel, InputStream output) throws Exception {
        while (output.read() >= 0) { }
        while (!channel.isClosed())
            Thread.sleep(10);
        channel.disconnect();
        return channel.getExitStatus();
    }

    static int status(Session session, String verb) throws Exception {
        ChannelExec channel = (ChannelExec) session.openChannel("exec");
        channel.setCommand(verb);
        InputStream output = channel.getInputStream();
        channel.connect();
        return ended(channel, output);
    }

    static String await(InputStream output, String pattern) throws Exception {
        StringBuilder seen = new StringBuilder();
        for (int c; (c = output.read()) >= 0; ) {
            Matcher found = Pattern.compile(pattern).matcher(seen.append((char) c));
            if (found.find())
                return found.group(1);
        }
        throw new Exception("ended after: " + seen);
    }

    static int converse(Session session) throws Exception {
        ChannelExec channel = (ChannelExec) session.openChannel("exec");
        channel.setCommand("attach --lines 0");
        channel.setPty(true);
        InputStream output = channel.getInputStream();
        OutputStream input = channel.getOutputStream();
        channel.connect();
        await(output, "(you have the keyboard)");
        input.write("say hello JSch\r".getBytes());
        input.flush();
        System.out.println("console: " + await(output, "\\n(hello \\w+)\\r\\n"));
        input.write("\035.".getBytes());
        input.flush();
        return ended(channel, output);
    }

    public static void main(String[] arguments) throws Exception {
        Session session = connection(System.getenv("VMC_VM")), other = connection("nobody");
        System.out.println("wait: " + status(session, "wait --timeout 1 'nothing like this'"));
        System.out.println("unknown VM: " + status(other, "status"));
        System.out.println("end: " + converse(session));
        System.out.println("panic: " + status(session, "send --enter --wait never panic"));
        session.disconnect();
        other.disconnect();
    }
}
