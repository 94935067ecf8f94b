// A gRPC client without a proxy: `grpc-go xds:///name` asks who is there, again and again.
//
// It says and does what tests/grpc_caller.py says and does: where names are resolved, the environment tells
// (GRPC_XDS_BOOTSTRAP); one line a call, the answer or "! " and the status; it ends with its standard input.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	_ "google.golang.org/grpc/xds" // resolves xds:///
)

const (
	method   = "/test.Who/Ask"
	pause    = 2 * time.Millisecond
	deadline = 20 * time.Second // longer than a client waits for a resource that does not come
)

// raw leaves a message as the bytes it is.
type raw struct{}

func (raw) Name() string                        { return "raw" }
func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func main() {
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	channel, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Println("!", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
	for {
		select {
		case <-ended:
			return
		case <-time.After(pause):
			fmt.Println(ask(channel))
		}
	}
}

// ask makes one call and gives its line.
func ask(channel *grpc.ClientConn) string {
	within, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	request, answer := []byte{}, []byte{}
	if err := channel.Invoke(within, method, &request, &answer, grpc.ForceCodec(raw{})); err != nil {
		told := status.Convert(err)
		return fmt.Sprintf("! %s: %s", told.Code(), strings.ReplaceAll(told.Message(), "\n", " "))
	}
	return string(answer)
}
