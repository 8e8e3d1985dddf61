// A client of the library gorilla/websocket: client SCENARIO URL.
//
// Every scenario ends with a message on stderr and exit status 1, or prints what it saw as JSON.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	limit  = 1 << 20 // of the server, in bytes
	buffer = 512     // of the client: what does not fit into it leaves in fragments
)

type result map[string]interface{}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func dial(url string, writeBuffer int) (*websocket.Conn, *http.Response) {
	dialer := websocket.Dialer{
		HandshakeTimeout:  10 * time.Second,
		EnableCompression: strings.Contains(url, "deflate") || strings.Contains(url, "takeover"),
		WriteBufferSize:   writeBuffer,
	}
	ws, response, err := dialer.Dial(url, nil)
	check(err)
	check(ws.SetReadDeadline(time.Now().Add(time.Minute)))
	return ws, response
}

func echo(ws *websocket.Conn, kind int, data []byte) {
	check(ws.WriteMessage(kind, data))
	expect(ws, kind, data)
}

func expect(ws *websocket.Conn, kind int, data []byte) {
	gotKind, got, err := ws.ReadMessage()
	check(err)
	if gotKind != kind || !bytes.Equal(got, data) {
		panic(fmt.Sprintf("sent %d bytes of kind %d, got %d of kind %d", len(data), kind, len(got), gotKind))
	}
}

// finish closes with 1000 and gives the code that came back.
func finish(ws *websocket.Conn) int {
	check(ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(1000, "")))
	return closeCode(ws)
}

// closeCode reads up to the end, and gives the peer's code: 1006 where there was none.
func closeCode(ws *websocket.Conn) int {
	for {
		_, _, err := ws.ReadMessage()
		if closed, ok := err.(*websocket.CloseError); ok {
			return closed.Code
		}
		if err != nil {
			return 1006
		}
	}
}

func noise(random *rand.Rand, length int) []byte {
	data := make([]byte, length)
	random.Read(data)
	return data
}

// Text and binary of all length forms; then many on their way at once, which come back in order.
func messages(url string) result {
	ws, response := dial(url, buffer)
	random := rand.New(rand.NewSource(6455))
	for _, length := range []int{0, 1, 125, 126, 127, 65535, 65536, 65537, 300000} {
		echo(ws, websocket.BinaryMessage, noise(random, length))
		echo(ws, websocket.TextMessage, []byte(strings.Repeat("é", length/2)))
	}
	type message struct {
		kind int
		data []byte
	}
	var sent []message
	for i := 0; i < 1000; i++ {
		if random.Intn(2) == 0 {
			sent = append(sent, message{websocket.BinaryMessage, noise(random, random.Intn(3000))})
		} else {
			sent = append(sent, message{websocket.TextMessage, []byte(strings.Repeat("text ", random.Intn(600)))})
		}
	}
	go func() {
		for _, each := range sent {
			check(ws.WriteMessage(each.kind, each.data))
		}
	}()
	for _, each := range sent {
		expect(ws, each.kind, each.data)
	}
	return result{"code": finish(ws), "extensions": response.Header.Get("Sec-Websocket-Extensions")}
}

// Messages written in parts: each time the small buffer is full, a fragment leaves.
func fragments(url string) result {
	ws, _ := dial(url, buffer)
	random := rand.New(rand.NewSource(2))
	pongs := 0
	ws.SetPongHandler(func(string) error { pongs++; return nil })
	for round := 0; round < 30; round++ {
		data := noise(random, random.Intn(20000))
		writer, err := ws.NextWriter(websocket.BinaryMessage)
		check(err)
		for rest := data; len(rest) > 0; {
			n := 1 + random.Intn(len(rest))
			_, err := writer.Write(rest[:n])
			check(err)
			rest = rest[n:]
			// Between two fragments of the message, or inside of what will be one.
			check(ws.WriteControl(websocket.PingMessage, []byte("between"), time.Now().Add(time.Second)))
		}
		check(writer.Close())
		expect(ws, websocket.BinaryMessage, data)
	}
	return result{"code": finish(ws), "pongs": pongs > 0}
}

// A message may be as large as the limit, and not a byte larger; and of so many fragments, and not many more.
func limits(url string) result {
	random := rand.New(rand.NewSource(3))
	ws, _ := dial(url, 2*limit)
	echo(ws, websocket.BinaryMessage, noise(random, limit))
	code := finish(ws)
	ws, _ = dial(url, buffer)
	echo(ws, websocket.BinaryMessage, noise(random, 1000*buffer))
	finish(ws)

	// The server may close while we are still writing.
	ws, _ = dial(url, 2*limit)
	_ = ws.WriteMessage(websocket.BinaryMessage, noise(random, limit+1))
	tooLarge := closeCode(ws)
	ws, _ = dial(url, buffer)
	_ = ws.WriteMessage(websocket.BinaryMessage, noise(random, 1030*buffer))
	return result{"code": code, "tooLarge": tooLarge, "tooMany": closeCode(ws)}
}

// The client closes with each kind of code, and hears it back.
func closing(url string) result {
	var codes []int
	for _, code := range []int{1000, 1001, 1008, 3000, 4999} {
		ws, _ := dial(url, buffer)
		check(ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, "because")))
		codes = append(codes, closeCode(ws))
	}
	return result{"codes": codes}
}

// The server closes with each kind of code.
func closed(url string) result {
	var codes []int
	for _, command := range []string{"close", "close 1001", "close 1012", "close 4001 bye", "terminate"} {
		ws, _ := dial(url, buffer)
		check(ws.WriteMessage(websocket.TextMessage, []byte(command)))
		codes = append(codes, closeCode(ws))
	}
	return result{"codes": codes}
}

// Many connections at once, each with its own conversation.
func many(url string) result {
	var group sync.WaitGroup
	for i := 0; i < 200; i++ {
		group.Add(1)
		go func(number int) {
			defer group.Done()
			ws, _ := dial(url, buffer)
			for turn := 0; turn < 20; turn++ {
				echo(ws, websocket.TextMessage, []byte(fmt.Sprintf("%d.%d", number, turn)))
			}
			if code := finish(ws); code != 1000 {
				panic(fmt.Sprintf("closed with %d", code))
			}
		}(i)
	}
	group.Wait()
	return result{}
}

// The answer with which a handshake is refused.
func refused(url string) result {
	_, response, err := websocket.DefaultDialer.Dial(url, nil)
	if err != websocket.ErrBadHandshake {
		panic(fmt.Sprintf("not refused: %v", err))
	}
	return result{"status": response.StatusCode, "type": response.Header.Get("Content-Type")}
}

func main() {
	scenarios := map[string]func(string) result{
		"messages": messages, "fragments": fragments, "limits": limits, "closing": closing, "closed": closed,
		"many": many, "refused": refused,
	}
	check(json.NewEncoder(os.Stdout).Encode(scenarios[os.Args[1]](os.Args[2])))
}
