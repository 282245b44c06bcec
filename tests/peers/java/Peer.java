// Sessions from one form into another, by Google's Java runtime: Peer DESC FROM TO
// (DESC is not used: the schema is compiled in.) See ../CMakeLists.txt for the forms. With
// --version instead it says what it is.
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import journey.v1.SessionOuterClass.Session;
import journey.v1.SessionOuterClass.SessionListing;

final class Peer {
    private Peer() {}

    private static SessionListing read(String form, byte[] data) throws IOException {
        SessionListing.Builder listing = SessionListing.newBuilder();
        switch (form) {
            case "list":
                return listing.mergeFrom(data).build();
            case "json":
                JsonFormat.parser().merge(new String(data, StandardCharsets.UTF_8), listing);
                return listing.build();
            default:
                ByteArrayInputStream stream = new ByteArrayInputStream(data);
                for (Session next = Session.parseDelimitedFrom(stream); next != null; ) {
                    listing.addEntities(next);
                    next = Session.parseDelimitedFrom(stream);
                }
                return listing.build();
        }
    }


    private static byte[] write(String form, SessionListing listing) throws IOException {
        if (form.equals("json")) {
            return JsonFormat.printer().print(listing).getBytes(StandardCharsets.UTF_8);
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream output = CodedOutputStream.newInstance(bytes);
        output.useDeterministicSerialization();
        if (form.equals("list")) {
            listing.writeTo(output);
        } else {
            for (Session session : listing.getEntitiesList()) {
                output.writeUInt32NoTag(session.getSerializedSize());
                session.writeTo(output);
            }
        }
        output.flush();
        return bytes.toByteArray();
    }

    public static void main(String[] arguments) throws IOException, URISyntaxException {
        if (arguments[0].equals("--version")) {
            String java = System.getProperty("java.version");
            URL jar = Message.class.getProtectionDomain().getCodeSource().getLocation();
            Path file = Path.of(jar.toURI()).toRealPath().getFileName();
            System.out.println("Java " + java + ", " + file);
            return;
        }
        byte[] data = System.in.readAllBytes();
        System.out.write(write(arguments[2], read(arguments[1], data)));
        System.out.flush();
    }
}
