// Finds the Vega view behind a chart of Streamlit's, through React's own records: there is no public way in. Sets window.view.
(selector) => {
  const element = document.querySelector(selector)
  if (!element) return false
  let fiber = element[Object.keys(element).find((key) => key.startsWith("__reactFiber$"))]
  for (let up = 0; fiber && up < 40; up++, fiber = fiber.return) {
    for (let hook = fiber.memoizedState, n = 0; hook && n < 200; hook = hook.next, n++) {
      const held = hook.memoizedState
      if (held && typeof held === "object" && held.current && typeof held.current.signal === "function") {
        window.view = held.current
        return true
      }
    }
  }
  return false
}
