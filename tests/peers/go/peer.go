// Sessions from one form into another, by Google's Go runtime: peer DESC FROM TO
// (DESC is not used: the schema is compiled in.) See ../CMakeLists.txt for the forms. With
// --version instead it says what it is.
package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"runtime"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/runtime/protoimpl"

	journeyv1 "journey/v1"
)

var deterministic = proto.MarshalOptions{Deterministic: true}

func readDelimited(data []byte, listing *journeyv1.SessionListing) error {
	for len(data) > 0 {
		message, length := protowire.ConsumeBytes(data)
		if length < 0 {
			return protowire.ParseError(length)
		}
		session := new(journeyv1.Session)
		if err := proto.Unmarshal(message, session); err != nil {
			return err
		}
		listing.Entities = append(listing.Entities, session)
		data = data[length:]
	}
	return nil
}

func writeDelimited(listing *journeyv1.SessionListing) ([]byte, error) {
	var stream bytes.Buffer
	for _, session := range listing.Entities {
		message, err := deterministic.Marshal(session)
		if err != nil {
			return nil, err
		}
		stream.Write(protowire.AppendBytes(nil, message))
	}
	return stream.Bytes(), nil
}

var readers = map[string]func([]byte, *journeyv1.SessionListing) error{
	"delimited": readDelimited,
	"list": func(data []byte, listing *journeyv1.SessionListing) error {
		return proto.Unmarshal(data, listing)
	},
	"json": func(data []byte, listing *journeyv1.SessionListing) error {
		return protojson.Unmarshal(data, listing)
	},
}

var writers = map[string]func(*journeyv1.SessionListing) ([]byte, error){
	"delimited": writeDelimited,
	"list": func(listing *journeyv1.SessionListing) ([]byte, error) {
		return deterministic.Marshal(listing)
	},
	"json": func(listing *journeyv1.SessionListing) ([]byte, error) {
		return protojson.Marshal(listing)
	},
}

func convert(from, to string) error {
	listing := new(journeyv1.SessionListing)
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := readers[from](data, listing); err != nil {
		return err
	}
	if data, err = writers[to](listing); err != nil {
		return err
	}
	_, err = os.Stdout.Write(data)
	return err
}

func main() {
	if os.Args[1] == "--version" {
		fmt.Printf("Go %s, google.golang.org/protobuf 1.%d\n",
			strings.TrimPrefix(runtime.Version(), "go"), protoimpl.MaxVersion)
		return
	}
	if err := convert(os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}
