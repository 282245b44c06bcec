// Reads a delimited stream of sessions with Google's Go runtime, and prints a line for each: id,
// type, date of creation, number of events, names of additional members, with tabs between them.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	journeyv1 "journey/v1"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// next reads a message, which stands behind its length as a varint. In newer releases of Google's
// runtime protodelim.UnmarshalFrom does this.
func next(stream *bufio.Reader) []byte {
	if _, err := stream.Peek(1); err == io.EOF { // between two messages; within a length it is torn
		os.Exit(0)
	}
	length, err := binary.ReadUvarint(stream)
	check(err)
	message, err := io.ReadAll(io.LimitReader(stream, int64(length)))
	if err == nil && uint64(len(message)) < length {
		err = io.ErrUnexpectedEOF
	}
	check(err)
	return message
}

func main() {
	for stream := bufio.NewReader(os.Stdin); ; {
		var session journeyv1.Session
		check(proto.Unmarshal(next(stream), &session))
		created, events, names := []byte("-"), "-", []string{}
		if session.CreatedDate != nil { // getters would give the year 1970, as if it were there
			text, err := protojson.Marshal(session.CreatedDate)
			check(err)
			created = bytes.Trim(text, `"`)
		}
		if session.EventCount != nil {
			events = fmt.Sprint(*session.EventCount)
		}
		if session.AdditionalProperties != nil { // JSON that the schema does not define
			var additional map[string]json.RawMessage
			check(json.Unmarshal([]byte(*session.AdditionalProperties), &additional))
			for name := range additional {
				names = append(names, name)
			}
			sort.Strings(names)
		}
		_, err := fmt.Printf("%s\t%s\t%s\t%s\t%s\n", session.GetId(), session.GetType(), created, events,
			strings.Join(names, ","))
		check(err)
	}
}
