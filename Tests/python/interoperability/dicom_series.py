"""Writes CT series as DICOM by way of pydicom, with known HU and a known place."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def write_series(folder, hu, affine, *, uid=None, number=1, description="thorax", heights=None):
    """Write `hu` [x, y, z] with a RAS+ affine; return the series' UID.

    `heights` are the slices' indices along z, for series with gaps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    uid = uid or generate_uid()
    study, frame = generate_uid(), generate_uid()
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    heights = range(hu.shape[2]) if heights is None else heights
    # Names and instance numbers that say nothing of the order.
    order = np.random.default_rng(0).permutation(len(heights))
    for index, height in enumerate(heights):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = CTImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        image = Dataset()
        image.file_meta = meta
        image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        image.PatientID, image.PatientName = "1", "Made^Up"
        image.PatientBirthDate = image.PatientSex = ""
        image.StudyID, image.AccessionNumber, image.ReferringPhysicianName = "1", "", ""
        image.StudyDate = image.SeriesDate = "20260101"
        image.StudyTime = image.SeriesTime = "120000"
        image.Modality, image.Manufacturer = "CT", "spars"
        image.StudyInstanceUID, image.SeriesInstanceUID, image.FrameOfReferenceUID = (
            study, uid, frame,
        )  # fmt: skip
        image.SeriesNumber, image.SeriesDescription = number, description
        image.InstanceNumber = int(order[index]) + 1
        image.ImagePositionPatient = (lps @ [0, 0, height, 1])[:3].tolist()
        image.ImageOrientationPatient = [
            *(lps[:3, 0] / spacing[0]).tolist(), *(lps[:3, 1] / spacing[1]).tolist(),
        ]  # fmt: skip
        image.PixelSpacing = [float(spacing[1]), float(spacing[0])]
        image.SliceThickness = float(spacing[2])
        image.Rows, image.Columns = hu.shape[1], hu.shape[0]
        image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
        image.BitsAllocated = image.BitsStored = 16
        image.HighBit, image.PixelRepresentation = 15, 0
        image.RescaleSlope, image.RescaleIntercept = 1, -1024
        image.PixelData = (hu[:, :, index].T + 1024).astype("<u2").tobytes()
        path = folder / f"{order[index]:03}.dcm"
        pydicom.dcmwrite(path, image, enforce_file_format=True)
    return uid
