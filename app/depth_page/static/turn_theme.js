// Light to dark and back, here and on the explorer's pages.
() => chosen.keep("theme", document.body.classList.toggle("dark") ? "dark" : "light")
