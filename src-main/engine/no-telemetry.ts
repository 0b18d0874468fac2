/**
 * Says to ONNX Runtime that nothing is to be told to anybody. Since 1.30 its builds for Linux and macOS report each
 * session to Microsoft and keep a database below the home folder and logs in the temporary one; this is read once,
 * before the first session, and turns all of it off (https://github.com/microsoft/onnxruntime/pull/27379).
 */
process.env["ORT_DISABLE_TELEMETRY"] = "1";
