import Testing

@testable import SPARSNative

/// State dicts inside checkpoints, in either kind of PyTorch file.
@Suite struct CheckpointTests {
    @Test(arguments: ["state_dict", "model_state_dict"], ["", "module."])
    func aStateDictIsFoundInACheckpoint(key: String, prefix: String) throws {
        let pickle = TestArchive.checkpoint(key: key, prefix: prefix)
        try TestArchive.expectRead(
            TestArchive.stateDict(pickle: pickle, storage: TestArchive.storage))
        try TestArchive.expectRead(TestArchive.legacy(pickle: pickle))
    }

    @Test func aCheckpointUnderAnotherNameSaysHowToSaveIt() {
        let pickle = TestArchive.checkpoint(key: "weights")
        let message = TestArchive.message(
            TestArchive.stateDict(pickle: pickle, storage: TestArchive.storage))
        #expect(message.contains("torch.save(model.state_dict(), path)"), "\(message)")
        #expect(message.contains("'epoch'"), "\(message)")
    }
}
