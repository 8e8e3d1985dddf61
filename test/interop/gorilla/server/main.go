// An echo server of the library gorilla/websocket: prints the port it listens on. /deflate has compression.
package main

import (
	"fmt"
	"net"
	"net/http"

	"github.com/gorilla/websocket"
)

func echo(compression bool) http.HandlerFunc {
	upgrader := websocket.Upgrader{
		EnableCompression: compression,
		Subprotocols:      []string{"echo.v2", "echo.v1"},
		CheckOrigin:       func(*http.Request) bool { return true },
	}
	return func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for {
			kind, data, err := ws.ReadMessage()
			if err != nil {
				return
			}
			if ws.WriteMessage(kind, data) != nil {
				return
			}
		}
	}
}

func main() {
	http.HandleFunc("/echo", echo(false))
	http.HandleFunc("/deflate", echo(true))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("listening on %d\n", listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, nil))
}
