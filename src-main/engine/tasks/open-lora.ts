/** Opening LoRA files is not only the engine's business: the command line inspects one without an engine. */
export { inspectFile, openLora, withTensorFile } from "../../files/lora-file.ts";
