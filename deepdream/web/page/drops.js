// Pictures that come to the page: by a file dialogue, dropped, or pasted.

const one = (id) => document.querySelector(`#${id}`);

/** Throw an error where a file is larger than the server takes. */
export function check(file, most) {
  if (file.size <= most) return;
  const mb = (bytes) => `${Math.ceil(bytes / (1 << 20))} MB`;
  throw new Error(
    `${file.name} has ${mb(file.size)}, and this page takes ${mb(most)} at most; ` +
      "make it smaller first.",
  );
}

/** Call `photograph` or `guide` with each file that comes for it. */
export function take(photograph, guide) {
  const target = (event) => event.target.closest?.("#guide") || one("stage");
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  const light = (place) => {
    for (const x of [one("guide"), one("stage")]) x.classList.toggle("over", x === place);
  };
  addEventListener("dragover", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    light(target(event));
  });
  addEventListener("dragleave", (event) => event.relatedTarget || light(null));
  addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    light(null);
    const [file] = event.dataTransfer.files;
    if (file) (target(event) === one("guide") ? guide : photograph)(file);
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData?.files || [];
    if (file) photograph(file);
  });
  const fromField = (id, use) =>
    one(id).addEventListener("change", () => {
      const [file] = one(id).files;
      one(id).value = "";
      if (file) use(file);
    });
  fromField("file", photograph);
  fromField("guide-file", guide);
}
