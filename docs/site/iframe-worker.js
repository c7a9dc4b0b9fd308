// Search from disk: browsers start no Worker at file://, so a hidden frame runs its script.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      document.body.append(frame)
      const room = frame.contentWindow
      room.document.open()
      room.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
      this.room = new Promise(ready => { frame.onload = () => ready(room) })
      room.document.write(`<script src="${url}"><\/script>`)
      room.document.close()
    }
    postMessage(data) {
      this.room.then(room => room.dispatchEvent(new MessageEvent("message", { data })))
    }
  }
}
