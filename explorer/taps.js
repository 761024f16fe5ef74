// Vega takes a finger that is lifted for a pointer that has left, so that the press and the click which follow a tap find nothing under them:
// no cell is picked, no link opened. Told just before where that is, it finds it. A finger that scrolls sends neither.
if (!window.tapsAreHeard) {
  window.tapsAreHeard = true
  let byFinger = false
  document.addEventListener("pointerdown", (event) => (byFinger = event.pointerType === "touch"), true)
  document.addEventListener(
    "mousedown",
    ({ target, clientX, clientY }) => {
      if (byFinger && target.closest?.('[data-testid="stVegaLiteChart"]')) {
        target.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX, clientY, pointerType: "touch" }))
      }
    },
    true,
  )
}
